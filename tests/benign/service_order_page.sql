SELECT o.id, o.status, o.total, o.placed_at, c.name, c.email, a.street, a.city FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN addresses a ON a.id = o.address_id WHERE o.id = 10001

SELECT c.email, o.email FROM customers c FULL JOIN orders o ON c.id = o.customer_id

SELECT (SELECT email FROM customers c WHERE c.id = o.customer_id) FROM orders o

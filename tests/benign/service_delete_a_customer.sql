BEGIN
-- then
DELETE FROM customers WHERE id = (SELECT max(c.id) FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id))
-- then
ROLLBACK

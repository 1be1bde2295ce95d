BEGIN
-- then
UPDATE customers SET created_at = now()
-- then
SELECT email FROM customers
-- then
ROLLBACK

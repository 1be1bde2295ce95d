BEGIN
-- then
UPDATE customers SET email = (SELECT email FROM customers WHERE id = 2) WHERE id = 1
-- then
ROLLBACK

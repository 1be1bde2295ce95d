BEGIN
-- then
SELECT email FROM customers WHERE id < 5 FOR UPDATE
-- then
ROLLBACK

-- same: rows
BEGIN
-- then
UPDATE customers SET email = 'new@example.org', notes = NULL WHERE id = 2
-- then
SELECT id, notes IS NULL AS cleared FROM customers WHERE id = 2
-- then
ROLLBACK

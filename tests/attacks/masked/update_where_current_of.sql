BEGIN
-- then
DECLARE cur CURSOR FOR SELECT id FROM customers WHERE id = 1 FOR UPDATE
-- then
FETCH cur
-- then
UPDATE customers SET created_at = now() WHERE CURRENT OF cur RETURNING email
-- then
ROLLBACK

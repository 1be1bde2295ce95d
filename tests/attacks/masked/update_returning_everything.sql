BEGIN
-- then
UPDATE customers SET created_at = now() WHERE id < 9 RETURNING *
-- then
ROLLBACK

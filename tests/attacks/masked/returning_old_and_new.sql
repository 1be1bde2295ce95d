BEGIN
-- then
UPDATE customers SET created_at = now() WHERE id < 9 RETURNING old.email, new.name
-- then
ROLLBACK

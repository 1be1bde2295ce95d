BEGIN
-- then
WITH t AS (UPDATE customers SET created_at = created_at RETURNING *) SELECT t FROM t
-- then
ROLLBACK

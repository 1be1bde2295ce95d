-- same: rows
BEGIN ISOLATION LEVEL SERIALIZABLE
-- then
SELECT count(*) FROM products
-- then
COMMIT

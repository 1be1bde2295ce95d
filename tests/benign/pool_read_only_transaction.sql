-- same: rows
BEGIN READ ONLY
-- then
SELECT count(*) FROM orders
-- then
COMMIT

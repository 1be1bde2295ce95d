-- same: rows
PREPARE find (bigint) AS SELECT id, total FROM orders WHERE id = $1
-- then
EXECUTE find (10001)
-- then
EXECUTE find (10002)
-- then
DEALLOCATE find

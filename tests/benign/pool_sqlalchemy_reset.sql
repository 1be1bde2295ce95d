-- same: rows
BEGIN
-- then
SELECT 1
-- then
ROLLBACK

-- same: rows
DISCARD ALL
-- then
SELECT 1

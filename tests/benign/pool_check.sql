-- same: rows
SELECT 1

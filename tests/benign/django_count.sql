-- count()
-- same: rows
SELECT COUNT(*) AS "__count" FROM "customers"

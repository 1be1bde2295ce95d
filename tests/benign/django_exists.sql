-- exists()
-- same: rows
SELECT 1 AS "a" FROM "customers" WHERE "customers"."id" = 1 LIMIT 1

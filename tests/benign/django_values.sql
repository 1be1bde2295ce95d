-- values().annotate()
-- same: rows
SELECT "orders"."status" AS "status", COUNT(*) AS "n" FROM "orders" GROUP BY 1 ORDER BY 1 ASC

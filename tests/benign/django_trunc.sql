-- TruncMonth
-- same: rows
SELECT DATE_TRUNC('month', "orders"."placed_at" AT TIME ZONE 'America/Chicago') AS "m", SUM("orders"."total") AS "s" FROM "orders" GROUP BY 1 ORDER BY 1 ASC

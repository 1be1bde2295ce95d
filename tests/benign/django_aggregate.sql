-- aggregate
-- same: rows
SELECT AVG("orders"."total") AS "total__avg", MAX("orders"."placed_at") AS "placed_at__max" FROM "orders"

-- Exists(OuterRef)
SELECT "orders"."id", "orders"."customer_id", "orders"."status", "orders"."total", "orders"."placed_at", "orders"."note", "orders"."currency", "orders"."shipping", "orders"."email" FROM "orders" WHERE EXISTS(SELECT 1 AS "a" FROM "orders" U0 WHERE (U0."customer_id" = ("orders"."customer_id") AND U0."total" > 100) LIMIT 1) LIMIT 3

-- prefetch_related
SELECT "orders"."id", "orders"."customer_id", "orders"."status", "orders"."total", "orders"."placed_at", "orders"."note", "orders"."currency", "orders"."shipping", "orders"."email" FROM "orders" WHERE "orders"."customer_id" IN (19, 87, 126)

-- Window
SELECT "orders"."id", "orders"."customer_id", "orders"."status", "orders"."total", "orders"."placed_at", "orders"."note", "orders"."currency", "orders"."shipping", "orders"."email", ROW_NUMBER() OVER (PARTITION BY "orders"."customer_id" ORDER BY "orders"."placed_at") AS "r" FROM "orders" LIMIT 5

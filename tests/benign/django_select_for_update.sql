-- select_for_update
BEGIN
-- then
SELECT "orders"."id", "orders"."customer_id", "orders"."status", "orders"."total", "orders"."placed_at", "orders"."note", "orders"."currency", "orders"."shipping", "orders"."email" FROM "orders" WHERE "orders"."id" = 10001 FOR UPDATE
-- then
ROLLBACK

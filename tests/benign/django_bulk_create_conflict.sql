-- bulk_create with update_conflicts
-- same: rows
BEGIN
-- then
INSERT INTO "products" ("id", "sku", "title", "price", "active") VALUES (1, 'd', 't', 1, true) ON CONFLICT("id") DO UPDATE SET "price" = EXCLUDED."price" RETURNING "products"."id"
-- then
ROLLBACK

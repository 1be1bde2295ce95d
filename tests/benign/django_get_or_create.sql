-- get_or_create
BEGIN
-- then
SELECT "products"."id", "products"."sku", "products"."title", "products"."price", "products"."active" FROM "products" WHERE "products"."sku" = 'gc1' LIMIT 21
-- then
SAVEPOINT "s139879773875072_x1"
-- then
INSERT INTO "products" ("sku", "title", "price", "active") VALUES ('gc1', 't', 1, true) RETURNING "products"."id"
-- then
RELEASE SAVEPOINT "s139879773875072_x1"
-- then
ROLLBACK

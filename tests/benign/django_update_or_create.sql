-- update_or_create
BEGIN
-- then
SAVEPOINT "s139879773875072_x2"
-- then
SELECT "products"."id", "products"."sku", "products"."title", "products"."price", "products"."active" FROM "products" WHERE "products"."sku" = 'gc1' LIMIT 21 FOR UPDATE
-- then
SAVEPOINT "s139879773875072_x3"
-- then
INSERT INTO "products" ("sku", "title", "price", "active") VALUES ('gc1', 't', 2, true) RETURNING "products"."id"
-- then
RELEASE SAVEPOINT "s139879773875072_x3"
-- then
RELEASE SAVEPOINT "s139879773875072_x2"
-- then
ROLLBACK

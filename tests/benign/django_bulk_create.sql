-- bulk_create
BEGIN
-- then
INSERT INTO "products" ("sku", "title", "price", "active") SELECT * FROM UNNEST(('{d0,d1,d2}')::text[], ('{t,t,t}')::text[], ('{1,1,1}'::numeric[])::numeric[], ('{t,t,t}'::bool[])::boolean[]) RETURNING "products"."id"
-- then
ROLLBACK

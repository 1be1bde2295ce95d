-- bulk_update: CASE WHEN
BEGIN
-- then
UPDATE "products" SET "price" = (CASE WHEN ("products"."id" = 1) THEN 3 WHEN ("products"."id" = 2) THEN 4 ELSE NULL END)::numeric(10, 2) WHERE "products"."id" IN (1, 2)
-- then
ROLLBACK

-- update() with F
BEGIN
-- then
UPDATE "products" SET "price" = ("products"."price" * 2) WHERE "products"."active"
-- then
ROLLBACK

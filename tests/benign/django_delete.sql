-- delete() collects related rows
BEGIN
-- then
DELETE FROM "orders" WHERE "orders"."id" =  -1
-- then
ROLLBACK

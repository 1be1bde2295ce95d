BEGIN
-- then
SET CONSTRAINTS ALL DEFERRED
-- then
UPDATE customers SET default_address_id = 1 WHERE id = 1
-- then
SET CONSTRAINTS ALL IMMEDIATE
-- then
ROLLBACK

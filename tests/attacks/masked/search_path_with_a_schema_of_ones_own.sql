CREATE SCHEMA mine
-- then
CREATE TABLE mine.customers (id bigint, email text)
-- then
SET search_path = mine, public
-- then
SELECT p.email FROM customers m RIGHT JOIN public.customers p USING (id)
-- then
RESET search_path
-- then
DROP SCHEMA mine CASCADE

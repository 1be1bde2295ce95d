CREATE TEMP TABLE stolen AS SELECT * FROM customers
-- then
SELECT * FROM stolen
-- then
DROP TABLE stolen

PREPARE p AS SELECT email FROM customers
-- then
CREATE TEMP TABLE stolen AS EXECUTE p
-- then
SELECT * FROM stolen
-- then
DROP TABLE stolen
-- then
DEALLOCATE p

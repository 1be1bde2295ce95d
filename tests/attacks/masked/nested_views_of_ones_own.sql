CREATE TEMP VIEW a AS SELECT * FROM open_orders
-- then
CREATE TEMP VIEW b AS SELECT a.email FROM a
-- then
SELECT * FROM b
-- then
DROP VIEW a, b

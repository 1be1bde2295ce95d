CREATE MATERIALIZED VIEW mine AS SELECT id, email FROM customers
-- then
SELECT * FROM mine
-- then
DROP MATERIALIZED VIEW mine

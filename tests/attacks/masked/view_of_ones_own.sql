CREATE VIEW mine AS SELECT id, email FROM customers
-- then
SELECT * FROM mine
-- then
DROP VIEW mine

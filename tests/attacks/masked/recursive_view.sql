CREATE RECURSIVE VIEW mine (e) AS SELECT email FROM customers
-- then
SELECT * FROM mine
-- then
DROP VIEW mine

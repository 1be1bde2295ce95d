CREATE TABLE mine (e text)
-- then
INSERT INTO mine SELECT email FROM customers
-- then
SELECT * FROM mine
-- then
DROP TABLE mine

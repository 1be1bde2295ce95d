SELECT * INTO stolen FROM customers
-- then
TABLE stolen
-- then
DROP TABLE stolen

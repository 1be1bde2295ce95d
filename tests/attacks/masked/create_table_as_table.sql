CREATE TABLE stolen AS TABLE customers
-- then
SELECT email FROM stolen
-- then
DROP TABLE stolen

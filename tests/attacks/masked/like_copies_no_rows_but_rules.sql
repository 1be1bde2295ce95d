BEGIN
-- then
CREATE TABLE trial (LIKE customers INCLUDING ALL)
-- then
INSERT INTO trial SELECT * FROM customers
-- then
SELECT name, email FROM trial
-- then
ROLLBACK

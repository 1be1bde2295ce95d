BEGIN
-- then
CREATE TABLE trial (LIKE customers, copy text GENERATED ALWAYS AS (lower(email)) STORED)
-- then
INSERT INTO trial SELECT * FROM customers
-- then
SELECT copy FROM trial
-- then
ROLLBACK

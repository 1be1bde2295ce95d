BEGIN
-- then
SAVEPOINT s
-- then
SELECT 1/0
-- then
ROLLBACK TO s
-- then
SELECT email FROM customers
-- then
ROLLBACK

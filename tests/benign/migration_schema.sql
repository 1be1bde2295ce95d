-- same: rows
BEGIN
-- then
CREATE SCHEMA reporting
-- then
CREATE TABLE reporting.daily AS SELECT placed_at::date AS day, sum(total) AS total FROM orders GROUP BY 1
-- then
SELECT count(*) FROM reporting.daily
-- then
DROP SCHEMA reporting CASCADE
-- then
ROLLBACK

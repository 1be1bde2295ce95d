-- same: rows
BEGIN
-- then
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1
-- then
REFRESH MATERIALIZED VIEW totals
-- then
SELECT count(*) FROM totals
-- then
ROLLBACK

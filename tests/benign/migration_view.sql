-- same: rows
BEGIN
-- then
CREATE OR REPLACE VIEW big_orders AS SELECT id, customer_id, total FROM orders WHERE total > 100
-- then
SELECT count(*) FROM big_orders
-- then
DROP VIEW big_orders
-- then
ROLLBACK

BEGIN
-- then
CREATE INDEX orders_total_idx ON orders (customer_id, total DESC) WHERE total > 100
-- then
DROP INDEX orders_total_idx
-- then
ROLLBACK

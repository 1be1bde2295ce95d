BEGIN
-- then
CREATE OR REPLACE VIEW open_orders AS SELECT id, placed_at, status, total, currency, note AS customer, email, note AS city FROM orders
-- then
SELECT * FROM open_orders
-- then
ROLLBACK

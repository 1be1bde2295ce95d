-- UPDATE and DELETE with a filter
BEGIN
-- then
UPDATE orders SET status='paid' WHERE orders.id = 10001::BIGINT
-- then
DELETE FROM order_lines WHERE order_lines.order_id = 10001::BIGINT
-- then
ROLLBACK

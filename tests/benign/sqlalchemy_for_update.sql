-- SELECT FOR UPDATE SKIP LOCKED
BEGIN
-- then
SELECT orders.id, orders.customer_id, orders.email, orders.address_id, orders.status, orders.currency, orders.shipping, orders.voucher, orders.total, orders.note, orders.placed_at
FROM orders
WHERE orders.id = 10001::BIGINT FOR UPDATE SKIP LOCKED
-- then
ROLLBACK

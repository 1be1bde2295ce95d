-- same: rows
BEGIN
-- then
WITH r AS (INSERT INTO refunds (order_id, amount, reason) VALUES (10001, 5, 'broken') RETURNING id, order_id, amount)
INSERT INTO payments (order_id, kind, amount, status, refund_id) SELECT order_id, 'refund', amount, 'refunded', id FROM r RETURNING id IS NOT NULL AS ok
-- then
ROLLBACK

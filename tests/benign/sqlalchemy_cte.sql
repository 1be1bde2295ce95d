-- a CTE
-- same: rows
WITH big AS
(SELECT orders.id AS id, orders.customer_id AS customer_id, orders.email AS email, orders.address_id AS address_id, orders.status AS status, orders.currency AS currency, orders.shipping AS shipping, orders.voucher AS voucher, orders.total AS total, orders.note AS note, orders.placed_at AS placed_at
FROM orders
WHERE orders.total > 50::INTEGER)
 SELECT count(*) AS count_1
FROM big

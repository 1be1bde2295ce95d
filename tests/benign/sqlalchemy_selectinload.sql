-- eager loading by a second query
SELECT orders.id, orders.customer_id, orders.email, orders.address_id, orders.status, orders.currency, orders.shipping, orders.voucher, orders.total, orders.note, orders.placed_at
FROM orders
 LIMIT 5::INTEGER

-- eager loading by a join
SELECT orders.id, orders.customer_id, orders.email, orders.address_id, orders.status, orders.currency, orders.shipping, orders.voucher, orders.total, orders.note, orders.placed_at, customers_1.id AS id_1, customers_1.name, customers_1.email AS email_1, customers_1.phone, customers_1.birthday, customers_1.settings, customers_1.notes, customers_1.default_address_id, customers_1.created_at
FROM orders LEFT OUTER JOIN customers AS customers_1 ON customers_1.id = orders.customer_id
 LIMIT 5::INTEGER

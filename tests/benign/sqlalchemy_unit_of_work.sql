-- insert, update, refresh, delete of one unit of work
BEGIN
-- then
INSERT INTO customers (name, email, phone, birthday, settings, notes, default_address_id) VALUES ('New One'::VARCHAR, 'new@example.org'::VARCHAR, NULL::VARCHAR, NULL::DATE, '{"theme": "dark"}'::jsonb::JSONB, NULL::VARCHAR, NULL::BIGINT) RETURNING customers.id, customers.created_at
-- then
UPDATE customers SET notes='seen'::VARCHAR WHERE customers.id = (SELECT max(id) FROM customers)
-- then
SELECT customers.id, customers.name, customers.email, customers.phone, customers.birthday, customers.settings, customers.notes, customers.default_address_id, customers.created_at
FROM customers
WHERE customers.id = (SELECT max(id) FROM customers)
-- then
INSERT INTO orders (customer_id, email, address_id, voucher, total, note) VALUES ((SELECT max(id) FROM customers), NULL::VARCHAR, NULL::BIGINT, NULL, 12.50, NULL::VARCHAR) RETURNING orders.id, orders.status, orders.currency, orders.shipping, orders.placed_at
-- then
SELECT payments.id, payments.order_id, payments.method_id, payments.kind, payments.amount, payments.status, payments.reference, payments.refund_id, payments.created_at
FROM payments
WHERE (SELECT max(id) FROM orders) = payments.order_id
-- then
SELECT refunds.id, refunds.order_id, refunds.amount, refunds.reason, refunds.requested_at, refunds.approved_at, refunds.approved_by
FROM refunds
WHERE (SELECT max(id) FROM orders) = refunds.order_id
-- then
DELETE FROM orders WHERE orders.id = (SELECT max(id) FROM orders)
-- then
ROLLBACK

BEGIN
-- then
INSERT INTO orders (customer_id, email, total) VALUES (1, 'new@example.org', 12.50) RETURNING id, status, placed_at
-- then
INSERT INTO order_lines (order_id, position, product_id, quantity, unit_price) SELECT currval('orders_id_seq'), 1, 1, 2, 6.25
-- then
INSERT INTO payments (order_id, amount) VALUES (currval('orders_id_seq'), 12.50) RETURNING reference
-- then
UPDATE orders SET status = 'paid' WHERE id = currval('orders_id_seq') RETURNING status
-- then
SELECT public.order_total(currval('orders_id_seq'))
-- then
ROLLBACK

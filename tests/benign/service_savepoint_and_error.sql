BEGIN
-- then
SAVEPOINT a
-- then
INSERT INTO order_lines (order_id, position, product_id, unit_price) VALUES (10001, 99, 1, 1)
-- then
ROLLBACK TO SAVEPOINT a
-- then
RELEASE SAVEPOINT a
-- then
ROLLBACK

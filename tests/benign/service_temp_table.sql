-- same: rows
CREATE TEMP TABLE basket (product_id int, quantity int)
-- then
INSERT INTO basket SELECT id, 2 FROM products WHERE active ORDER BY id LIMIT 3
-- then
SELECT p.title, b.quantity FROM basket b JOIN products p ON p.id = b.product_id ORDER BY p.id
-- then
DROP TABLE basket

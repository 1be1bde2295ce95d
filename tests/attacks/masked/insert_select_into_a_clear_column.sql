-- control: leaks
BEGIN
-- then
INSERT INTO products (sku, title, price) SELECT 'stolen' || id, email, 1 FROM customers WHERE id < 9
-- then
SELECT title FROM products WHERE sku LIKE 'stolen%'
-- then
ROLLBACK

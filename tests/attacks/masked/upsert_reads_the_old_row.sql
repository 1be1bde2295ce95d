BEGIN
-- then
INSERT INTO products (id, sku, title, price) SELECT 1, 'x', 'y', 1 ON CONFLICT (id) DO UPDATE SET title = (SELECT email FROM customers WHERE id = 1) RETURNING title
-- then
ROLLBACK

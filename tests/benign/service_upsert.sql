-- same: rows
BEGIN
-- then
INSERT INTO products (id, sku, title, price) VALUES (1, 'x', 'y', 1) ON CONFLICT (id) DO UPDATE SET price = excluded.price, title = products.title || excluded.title RETURNING id, price
-- then
ROLLBACK

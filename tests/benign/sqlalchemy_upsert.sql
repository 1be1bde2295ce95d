-- ON CONFLICT by SQLAlchemy
BEGIN
-- then
INSERT INTO products (id, sku, title, price) VALUES (1::INTEGER, 'x'::VARCHAR, 'y'::VARCHAR, 2) ON CONFLICT (id) DO UPDATE SET price = excluded.price
-- then
INSERT INTO products (id, sku, title, price) VALUES (1::INTEGER, 'x'::VARCHAR, 'y'::VARCHAR, 2) ON CONFLICT DO NOTHING
-- then
ROLLBACK

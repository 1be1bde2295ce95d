BEGIN
-- then
MERGE INTO products p USING (VALUES (1, 9.99), (2, 8.99)) AS v(id, price) ON p.id = v.id WHEN MATCHED THEN UPDATE SET price = v.price WHEN NOT MATCHED THEN INSERT (sku, title, price) VALUES ('n', 'n', v.price)
-- then
ROLLBACK

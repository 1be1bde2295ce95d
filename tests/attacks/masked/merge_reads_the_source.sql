BEGIN
-- then
MERGE INTO products p USING (SELECT id, coalesce(email, '') AS email FROM customers) c ON p.id = c.id WHEN MATCHED THEN UPDATE SET title = c.email
-- then
SELECT title FROM products
-- then
ROLLBACK

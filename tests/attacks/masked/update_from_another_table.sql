BEGIN
-- then
UPDATE products p SET title = c.email FROM customers c WHERE c.id = p.id AND c.email IS NOT NULL RETURNING p.title
-- then
ROLLBACK

BEGIN
-- then
UPDATE products SET (title, sku) = (SELECT email, name || id FROM customers WHERE customers.id = products.id) WHERE id < 5 RETURNING title, sku
-- then
ROLLBACK

BEGIN
-- then
INSERT INTO products (sku, title, price) VALUES ('s1', 't', 1) RETURNING (SELECT email FROM customers WHERE id = 1)
-- then
ROLLBACK

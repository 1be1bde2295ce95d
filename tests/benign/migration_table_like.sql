BEGIN
-- then
CREATE TABLE products_archive (LIKE products INCLUDING ALL)
-- then
INSERT INTO products_archive SELECT * FROM products WHERE NOT active
-- then
ROLLBACK

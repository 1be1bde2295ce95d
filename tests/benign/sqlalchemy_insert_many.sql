-- insertmanyvalues with RETURNING
BEGIN
-- then
INSERT INTO products (sku, title, price) VALUES ('n0'::VARCHAR, 't'::VARCHAR, 1), ('n1'::VARCHAR, 't'::VARCHAR, 1), ('n2'::VARCHAR, 't'::VARCHAR, 1) RETURNING products.id
-- then
ROLLBACK

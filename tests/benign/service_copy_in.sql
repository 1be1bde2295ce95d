-- copy: c1\tTea cup\t4.50
-- copy: c2\tTea pot\t14.50
-- same: rows
BEGIN
-- then
COPY products (sku, title, price) FROM STDIN
-- then
SELECT sku, title, price FROM products WHERE sku IN ('c1', 'c2') ORDER BY 1
-- then
ROLLBACK

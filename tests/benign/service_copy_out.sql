-- same: rows
COPY (SELECT id, sku, price FROM products ORDER BY id LIMIT 3) TO STDOUT WITH (FORMAT csv, HEADER)

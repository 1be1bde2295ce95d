BEGIN; INSERT INTO products (sku, title, price) VALUES ('x', (SELECT pg_read_file('PG_VERSION')), 1); ROLLBACK

SELECT 1 FROM products ORDER BY pg_read_file('PG_VERSION')

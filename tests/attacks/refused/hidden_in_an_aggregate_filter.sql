SELECT count(*) FILTER (WHERE pg_read_file('PG_VERSION') <> '') FROM products

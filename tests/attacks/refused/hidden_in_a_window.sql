SELECT row_number() OVER (PARTITION BY pg_read_file('PG_VERSION')) FROM products

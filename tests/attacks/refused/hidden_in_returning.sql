BEGIN; UPDATE products SET price = price WHERE id = 1 RETURNING pg_read_file('PG_VERSION'); ROLLBACK

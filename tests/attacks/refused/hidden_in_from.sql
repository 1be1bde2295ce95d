SELECT * FROM pg_read_file('PG_VERSION') AS f

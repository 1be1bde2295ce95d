SELECT email OPERATOR(pg_catalog.||) '' FROM customers

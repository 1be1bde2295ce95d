SELECT lo_from_bytea(0, email::bytea) FROM customers LIMIT 1

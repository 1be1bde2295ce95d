SELECT customers.*::text FROM customers

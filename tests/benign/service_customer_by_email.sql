SELECT id, name, email FROM customers WHERE email = 'nobody@example.org'

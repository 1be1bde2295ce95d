VALUES ((SELECT email FROM customers WHERE id = 1))

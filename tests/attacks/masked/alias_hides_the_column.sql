SELECT c.email AS id FROM customers AS c

SELECT id, email FROM customers GROUP BY id

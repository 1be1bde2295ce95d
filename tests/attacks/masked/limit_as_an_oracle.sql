-- answer: 0
SELECT count(*) FROM (SELECT 1 FROM orders LIMIT (SELECT count(*) FROM customers WHERE name LIKE 'Cnry%')) s

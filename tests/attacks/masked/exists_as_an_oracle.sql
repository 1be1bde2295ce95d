-- answer: 0
SELECT EXISTS (SELECT FROM customers WHERE name LIKE 'Cnry%')::int

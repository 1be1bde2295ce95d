-- answer: 0
SELECT count(*) FROM (SELECT id FROM customers WHERE email IS NOT NULL ORDER BY email LIMIT 5) s JOIN customers c USING (id) WHERE c.email LIKE 'cnry%'

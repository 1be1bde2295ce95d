-- answer: 0
SELECT count(*) FROM customers WHERE email LIKE 'cnry%'

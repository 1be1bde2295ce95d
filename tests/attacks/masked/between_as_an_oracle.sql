-- answer: 0
SELECT count(*) FROM customers WHERE email BETWEEN 'cnr' AND 'cnrz'

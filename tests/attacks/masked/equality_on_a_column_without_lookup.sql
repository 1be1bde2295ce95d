-- answer: 0
SELECT count(*) FROM customers WHERE name = 'Cnry cnryname1'

-- answer: 0
SELECT count(*) FROM customers WHERE NOT (name <> 'Cnry cnryname1')

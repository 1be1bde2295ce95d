-- answer: 0
SELECT count(*) FROM customers WHERE length(name) = length('Cnry cnryname1')

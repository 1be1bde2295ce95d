-- answer: 0
SELECT count(*) FROM customers WHERE birthday < date '1900-01-01'

-- answer: 0
SELECT count(*) FROM customers WHERE email ~* '^CNRY[0-9]+@'

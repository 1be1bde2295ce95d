-- answer: 0
SELECT count(*) FROM customers WHERE starts_with(email, 'cnry') OR email ^@ 'cnry'

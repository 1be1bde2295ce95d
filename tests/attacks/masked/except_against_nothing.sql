SELECT email FROM customers EXCEPT SELECT 'x'

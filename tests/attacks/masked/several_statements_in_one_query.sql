SELECT 1; SELECT email FROM customers; SELECT 2

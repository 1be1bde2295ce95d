SELECT email FROM customers UNION SELECT name FROM customers

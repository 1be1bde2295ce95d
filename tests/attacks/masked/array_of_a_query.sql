SELECT ARRAY(SELECT email FROM customers)

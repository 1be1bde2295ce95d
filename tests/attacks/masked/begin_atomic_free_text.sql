SELECT 'SELECT 1; --', email FROM customers

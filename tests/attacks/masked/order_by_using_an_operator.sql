SELECT email FROM customers ORDER BY email USING <

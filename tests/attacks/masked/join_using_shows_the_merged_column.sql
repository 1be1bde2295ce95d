SELECT email FROM customers JOIN orders USING (email)

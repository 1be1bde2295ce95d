SELECT email(c), c.name FROM customers c

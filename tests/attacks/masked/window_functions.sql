SELECT lag(email) OVER (ORDER BY id), first_value(name) OVER w FROM customers WINDOW w AS (ORDER BY email)

SELECT email::regclass FROM customers WHERE email IS NOT NULL

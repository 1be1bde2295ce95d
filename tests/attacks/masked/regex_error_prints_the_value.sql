-- control: none: what the server says depends on the value
SELECT 'a' ~ (email || '(') FROM customers WHERE email IS NOT NULL

-- Masking of result columns by name does not see through a function.
SELECT substr(email, 1, 4) AS x FROM customers WHERE email IS NOT NULL

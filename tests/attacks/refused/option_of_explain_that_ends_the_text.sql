-- expect: refused 0A000
-- control: none: PostgreSQL quotes nothing here
EXPLAIN ("analyze) SELECT FROM customers WHERE email LIKE 'c%' --") SELECT 1

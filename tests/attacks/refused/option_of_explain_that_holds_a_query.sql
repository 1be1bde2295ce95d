-- expect: refused 0A000
-- control: none: PostgreSQL quotes nothing here
EXPLAIN ("verbose) WITH x AS (SELECT upper(email) FROM customers") SELECT * FROM orders

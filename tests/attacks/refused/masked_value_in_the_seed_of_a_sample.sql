-- expect: refused 0A000
SELECT count(*) FROM orders TABLESAMPLE bernoulli (50) REPEATABLE ((SELECT ascii(email) FROM customers WHERE id = 1))

-- expect: refused 0A000
-- control: none: the number of rows tells the value
SELECT count(*) FROM customers TABLESAMPLE bernoulli ((SELECT ascii(email) - 30 FROM customers WHERE id = 1))

-- control: none: a plan shows constants, and there is none here
EXPLAIN (ANALYZE, VERBOSE) SELECT email FROM customers WHERE email = (SELECT email FROM customers WHERE id = 1)

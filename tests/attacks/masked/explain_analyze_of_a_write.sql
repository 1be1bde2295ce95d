-- control: none: a plan shows no values
EXPLAIN (ANALYZE, VERBOSE) UPDATE customers SET email = email WHERE id < 5

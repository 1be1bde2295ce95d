-- control: none: shows the key of the mask if it were a constant of the plan
EXPLAIN (VERBOSE, FORMAT json) SELECT * FROM customers

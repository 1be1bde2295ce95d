-- same: none: times differ
EXPLAIN (ANALYZE, BUFFERS, FORMAT json) SELECT count(*) FROM orders WHERE customer_id = 1

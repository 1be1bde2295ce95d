-- same: none: costs differ
EXPLAIN SELECT * FROM customers WHERE id = 1

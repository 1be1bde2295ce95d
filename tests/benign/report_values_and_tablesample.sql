-- same: rows
SELECT count(*) > 0 FROM orders TABLESAMPLE system (100) REPEATABLE (1)

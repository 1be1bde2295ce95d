-- "Failing row contains (...)" shows every column of the row.
UPDATE customers SET name = NULL WHERE id = 1

-- a count
-- same: rows
SELECT count(*) AS count_1
FROM customers

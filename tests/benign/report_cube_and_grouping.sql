-- same: rows
SELECT grouping(status), status, count(*) FROM orders GROUP BY CUBE (status) ORDER BY 1, 2

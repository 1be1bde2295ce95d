-- same: rows
SELECT status, currency, count(*) FROM orders GROUP BY ROLLUP (status, currency) ORDER BY 1, 2

-- same: rows
SELECT count(*) FROM (SELECT email, count(*) FROM orders GROUP BY email) s

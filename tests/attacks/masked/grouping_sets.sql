SELECT email, name, count(*) FROM customers GROUP BY GROUPING SETS ((email), (name), ())

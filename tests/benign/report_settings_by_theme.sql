-- same: rows
SELECT settings ->> 'theme' AS theme, count(*) FROM customers GROUP BY 1 ORDER BY 1 NULLS FIRST

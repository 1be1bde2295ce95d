-- same: rows
SELECT * FROM monthly_revenue ORDER BY 1, 2

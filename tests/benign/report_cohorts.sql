-- same: rows
WITH first AS (SELECT customer_id, date_trunc('year', min(placed_at)) AS y FROM orders GROUP BY 1)
SELECT f.y, count(DISTINCT o.customer_id), count(*) FROM first f JOIN orders o USING (customer_id) GROUP BY 1 ORDER BY 1

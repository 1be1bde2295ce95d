-- a window function
-- same: rows
SELECT orders.id, row_number() OVER (PARTITION BY orders.customer_id ORDER BY orders.placed_at) AS anon_1
FROM orders
 LIMIT 5::INTEGER

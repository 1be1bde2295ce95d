-- a join with a filter
SELECT orders.id, customers.name
FROM orders JOIN customers ON customers.id = orders.customer_id
WHERE orders.status = 'placed' ORDER BY orders.placed_at DESC
 LIMIT 10::INTEGER

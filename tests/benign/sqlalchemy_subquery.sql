-- a join with an aggregated subquery
-- same: rows
SELECT customers.id, anon_1.t
FROM customers JOIN (SELECT orders.customer_id AS customer_id, sum(orders.total) AS t
FROM orders GROUP BY orders.customer_id) AS anon_1 ON anon_1.customer_id = customers.id
WHERE anon_1.t > 100::INTEGER

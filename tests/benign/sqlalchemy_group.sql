-- a count per customer
-- same: rows
SELECT customers.id, count(orders.id) AS count_1
FROM customers LEFT OUTER JOIN orders ON orders.customer_id = customers.id GROUP BY customers.id ORDER BY count(orders.id) DESC
 LIMIT 5::INTEGER

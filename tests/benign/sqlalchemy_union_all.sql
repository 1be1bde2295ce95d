-- UNION ALL
-- same: rows
SELECT customers.id
FROM customers UNION ALL SELECT orders.id
FROM orders
 LIMIT 3::INTEGER

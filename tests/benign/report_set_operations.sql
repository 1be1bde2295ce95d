-- same: rows
(SELECT id FROM products WHERE active ORDER BY id LIMIT 5) UNION (SELECT product_id FROM order_lines WHERE order_id = 10001) EXCEPT SELECT 1 ORDER BY 1

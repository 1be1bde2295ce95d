SELECT customer, email, city FROM open_orders ORDER BY id LIMIT 20

SELECT name::order_status FROM customers

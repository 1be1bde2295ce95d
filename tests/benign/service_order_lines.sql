-- same: rows
SELECT l.position, p.title, l.quantity, l.unit_price, l.discount FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = 10112 ORDER BY l.position

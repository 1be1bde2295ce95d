-- same: rows
SELECT json_build_object('order', o.id, 'lines', (SELECT json_agg(json_build_object('p', l.product_id, 'q', l.quantity) ORDER BY l.position) FROM order_lines l WHERE l.order_id = o.id)) FROM orders o WHERE o.id = 10112

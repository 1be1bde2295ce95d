-- same: rows
SELECT id, total, public.order_total(id) FROM orders WHERE id BETWEEN 10001 AND 10010 ORDER BY id

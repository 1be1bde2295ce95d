-- same: rows
SELECT c.id, o.id, o.total FROM customers c CROSS JOIN LATERAL (SELECT id, total FROM orders WHERE customer_id = c.id ORDER BY total DESC NULLS LAST, id LIMIT 2) o WHERE c.id < 6 ORDER BY 1, 2

-- same: rows
SELECT id, sum(total) OVER (PARTITION BY customer_id ORDER BY placed_at ROWS UNBOUNDED PRECEDING) FROM orders WHERE customer_id < 5 ORDER BY id

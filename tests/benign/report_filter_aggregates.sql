-- same: rows
SELECT count(*) FILTER (WHERE status = 'paid'), bool_or(total > 100), string_agg(DISTINCT currency, ',' ORDER BY currency) FROM orders

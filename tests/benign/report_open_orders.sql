-- same: rows
SELECT id, status, total, currency FROM open_orders ORDER BY id LIMIT 20

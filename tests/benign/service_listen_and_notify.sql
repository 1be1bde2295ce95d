-- same: rows
LISTEN orders
-- then
NOTIFY orders, 'new'
-- then
SELECT pg_notify('orders', '4711')
-- then
UNLISTEN orders

-- psql's \sv open_orders
-- same: rows
SELECT 'open_orders'::pg_catalog.regclass::pg_catalog.oid

-- psql's \d+ open_orders
-- same: rows
SELECT pg_catalog.pg_get_viewdef(('public.open_orders'::pg_catalog.regclass::pg_catalog.oid)::pg_catalog.oid, true)

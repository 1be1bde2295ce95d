-- psql's \d+ open_orders
SELECT r.rulename, trim(trailing ';' from pg_catalog.pg_get_ruledef(r.oid, true))
FROM pg_catalog.pg_rewrite r
WHERE r.ev_class = ('public.open_orders'::pg_catalog.regclass::pg_catalog.oid) AND r.rulename != '_RETURN' ORDER BY 1

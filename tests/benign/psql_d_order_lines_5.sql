-- psql's \d order_lines
-- same: rows
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true)
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = ('public.order_lines'::pg_catalog.regclass::pg_catalog.oid) AND r.contype = 'c'
ORDER BY 1

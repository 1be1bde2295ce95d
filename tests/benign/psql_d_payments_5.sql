-- psql's \d payments
-- same: rows
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true)
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = ('public.payments'::pg_catalog.regclass::pg_catalog.oid) AND r.contype = 'c'
ORDER BY 1

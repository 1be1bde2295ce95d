-- psql's \d+ products
-- same: rows
SELECT c.conname, a.attname, c.connoinherit,
  c.conislocal, c.coninhcount <> 0,
  c.convalidated
FROM pg_catalog.pg_constraint c JOIN
  pg_catalog.pg_attribute a ON
    (a.attrelid = c.conrelid AND a.attnum = c.conkey[1])
WHERE c.contype = 'n' AND
  c.conrelid = ('public.products'::pg_catalog.regclass::pg_catalog.oid)::pg_catalog.regclass
ORDER BY a.attnum

-- psql's \d audit_trail
SELECT conname, conrelid::pg_catalog.regclass AS ontable,
       pg_catalog.pg_get_constraintdef(oid, true) AS condef
  FROM pg_catalog.pg_constraint c
 WHERE confrelid IN (SELECT pg_catalog.pg_partition_ancestors(('public.audit_trail'::pg_catalog.regclass::pg_catalog.oid))
                     UNION ALL VALUES (('public.audit_trail'::pg_catalog.regclass::pg_catalog.oid)::pg_catalog.regclass))
       AND contype = 'f' AND conparentid = 0
ORDER BY conname

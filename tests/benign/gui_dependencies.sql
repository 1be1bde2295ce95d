-- same: rows
SELECT classid::regclass, objid, refclassid::regclass, deptype FROM pg_depend WHERE refobjid = 'public.customers'::regclass ORDER BY 1, 2, 4

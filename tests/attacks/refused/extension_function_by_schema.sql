-- expect: refused 42883
-- control: none: not installed
SELECT public.dblink_exec('dbname=shop', 'DELETE FROM customers')

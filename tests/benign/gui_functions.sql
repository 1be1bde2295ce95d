-- same: rows
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace ORDER BY 1

-- same: rows
SELECT has_table_privilege('public.orders', 'SELECT'), has_schema_privilege('public', 'USAGE')

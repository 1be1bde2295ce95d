-- same: rows
SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1

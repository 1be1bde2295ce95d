-- control: none: only in newer versions
SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'customers', 'reltuples', 1::real)

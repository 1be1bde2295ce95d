SELECT (pg_stat_file('PG_VERSION')).size

-- same: rows
SELECT relname, seq_scan >= 0, n_live_tup >= 0 FROM pg_stat_user_tables ORDER BY relname

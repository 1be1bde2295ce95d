SELECT pid, usename, state, wait_event_type, backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()

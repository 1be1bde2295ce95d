SELECT pg_stat_get_backend_activity(pid) FROM pg_stat_get_backend_idset() AS t(pid)

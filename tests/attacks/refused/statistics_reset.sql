-- control: none: changes the server
SELECT pg_stat_reset()

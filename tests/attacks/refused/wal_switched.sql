-- control: none: changes the server
SELECT pg_switch_wal()

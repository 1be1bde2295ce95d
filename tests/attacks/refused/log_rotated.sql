-- control: none: changes the server
SELECT pg_rotate_logfile()

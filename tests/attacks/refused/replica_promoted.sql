-- control: none: changes the server
SELECT pg_promote()

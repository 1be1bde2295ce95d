-- control: none: changes the server
ALTER SYSTEM SET work_mem = '1GB'

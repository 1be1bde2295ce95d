ALTER DATABASE shop SET work_mem = '1GB'

-- same: rows
SHOW server_version

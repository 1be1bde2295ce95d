-- same: rows
SELECT name, setting FROM pg_settings WHERE name IN ('max_connections', 'server_encoding') ORDER BY name

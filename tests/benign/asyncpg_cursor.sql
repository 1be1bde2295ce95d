-- asyncpg's server-side cursor is a portal; this is its copy
-- same: rows
COPY (SELECT id, total FROM orders ORDER BY id LIMIT 5) TO STDOUT (FORMAT binary)

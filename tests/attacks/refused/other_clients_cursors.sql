SELECT statement FROM pg_cursors

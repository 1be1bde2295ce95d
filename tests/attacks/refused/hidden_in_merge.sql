BEGIN; MERGE INTO products p USING (SELECT 1 AS id) v ON p.id = v.id WHEN MATCHED THEN UPDATE SET title = pg_read_file('PG_VERSION'); ROLLBACK

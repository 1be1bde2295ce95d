BEGIN
-- then
MERGE INTO customers c USING (VALUES (1::bigint)) v(id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET created_at = now() RETURNING c.email, c.name
-- then
ROLLBACK

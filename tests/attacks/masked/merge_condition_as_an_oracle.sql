-- tag: MERGE 0
MERGE INTO customers c USING (VALUES (1::bigint)) v(id) ON c.id = v.id WHEN MATCHED AND c.name LIKE 'Cnry%' THEN UPDATE SET created_at = now()

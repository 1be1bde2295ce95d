-- same: rows
SELECT tc.table_name, kcu.column_name, ccu.table_name AS referenced, ccu.column_name AS referenced_column
FROM information_schema.table_constraints tc
JOIN information_schema.key_column_usage kcu USING (constraint_schema, constraint_name)
JOIN information_schema.constraint_column_usage ccu USING (constraint_schema, constraint_name)
WHERE tc.constraint_type = 'FOREIGN KEY' ORDER BY 1, 2, 3, 4

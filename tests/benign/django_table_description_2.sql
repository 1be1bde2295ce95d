-- introspection.get_table_description
SELECT * FROM "customers" LIMIT 1

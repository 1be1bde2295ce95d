WITH c AS (UPDATE customers SET created_at = created_at WHERE id = 1 RETURNING *) SELECT * FROM c

WITH c AS (SELECT * FROM customers) SELECT * FROM c

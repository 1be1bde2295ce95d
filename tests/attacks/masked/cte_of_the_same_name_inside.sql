SELECT x.email FROM customers x JOIN (WITH customers AS (SELECT 1 AS id) SELECT id FROM customers) y ON true

-- a comparison with now()
-- same: rows
SELECT customers.id
FROM customers
WHERE customers.created_at >= now() - interval '10 years'

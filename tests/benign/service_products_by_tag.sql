-- same: rows
SELECT id, sku FROM products WHERE 'kitchen' = ANY (tags) OR tags && ARRAY['table'] ORDER BY id

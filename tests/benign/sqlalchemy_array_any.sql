-- an array column
-- same: rows
SELECT products.id, products.sku, products.title, products.price, products.active, products.tags, products.attributes
FROM products
WHERE 'kitchen'::VARCHAR = ANY (products.tags)

SELECT id FROM products WHERE to_tsvector('english', title)

SELECT id FROM products WHERE to_tsvector('english', title) @@ websearch_to_tsquery('english', 'bowl or pan') ORDER BY id

-- same: rows
SELECT id, title FROM products WHERE title ILIKE '%bowl%' AND active ORDER BY price LIMIT 10

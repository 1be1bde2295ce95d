-- same: rows
SELECT id, attributes ->> 'color', attributes @> '{"color": "red"}' FROM products ORDER BY id LIMIT 20

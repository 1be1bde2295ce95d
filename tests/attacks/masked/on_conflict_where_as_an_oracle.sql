-- tag: INSERT 0 0
INSERT INTO customers (id, name) VALUES (1, 'me') ON CONFLICT (id) DO UPDATE SET created_at = now() WHERE customers.name LIKE 'Cnry%'

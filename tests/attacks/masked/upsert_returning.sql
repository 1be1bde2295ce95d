BEGIN
-- then
INSERT INTO customers (id, name, email) VALUES (1, 'me', 'me@example.org') ON CONFLICT (id) DO UPDATE SET created_at = now() RETURNING email, name
-- then
ROLLBACK

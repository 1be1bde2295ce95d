BEGIN
-- then
INSERT INTO customers (name, email) VALUES ('Ada', 'ada@example.org') ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id
-- then
ROLLBACK

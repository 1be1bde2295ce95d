BEGIN
-- then
INSERT INTO customers (name, email, phone, settings) VALUES ('Ada', 'ada@example.org', '+49 30 1', '{"theme": "dark"}') RETURNING id, created_at
-- then
UPDATE customers SET settings = jsonb_set(settings, '{language}', '"de"') WHERE id = currval('customers_id_seq')
-- then
SELECT count(*) FROM customers WHERE id = currval('customers_id_seq')
-- then
ROLLBACK

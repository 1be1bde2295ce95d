-- eager loading by a second query
SELECT customers.id, customers.name, customers.email, customers.phone, customers.birthday, customers.settings, customers.notes, customers.default_address_id, customers.created_at
FROM customers
WHERE customers.id IN (23::BIGINT, 1::BIGINT, 40::BIGINT, 13::BIGINT)

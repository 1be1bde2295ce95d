-- Session.get by primary key
SELECT customers.id, customers.name, customers.email, customers.phone, customers.birthday, customers.settings, customers.notes, customers.default_address_id, customers.created_at
FROM customers
WHERE customers.id = 1::BIGINT

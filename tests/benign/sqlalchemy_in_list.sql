-- an IN list
SELECT customers.id, customers.name, customers.email, customers.phone, customers.birthday, customers.settings, customers.notes, customers.default_address_id, customers.created_at
FROM customers
WHERE customers.id IN (1::BIGINT, 2::BIGINT, 3::BIGINT)

-- a page of a list
SELECT customers.id, customers.name, customers.email, customers.phone, customers.birthday, customers.settings, customers.notes, customers.default_address_id, customers.created_at
FROM customers ORDER BY customers.id
 LIMIT 5::INTEGER

BEGIN
-- then
UPDATE addresses SET street = 'New Street 1', city = 'Bonn' WHERE customer_id = 1
-- then
UPDATE customers SET default_address_id = (SELECT min(id) FROM addresses WHERE customer_id = 1) WHERE id = 1
-- then
ROLLBACK

-- control: none: this is what an ORM's save does
BEGIN
-- then
UPDATE customers SET email = email, name = name, phone = phone WHERE id = 1 RETURNING email, name, phone
-- then
ROLLBACK

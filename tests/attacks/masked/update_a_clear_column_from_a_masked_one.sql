BEGIN
-- then
UPDATE orders SET currency = left(email, 3) WHERE email IS NOT NULL RETURNING currency, email
-- then
ROLLBACK

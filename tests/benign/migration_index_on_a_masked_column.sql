BEGIN
-- then
CREATE INDEX customers_email_again ON customers (email)
-- then
ROLLBACK

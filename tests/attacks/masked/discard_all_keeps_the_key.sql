DISCARD ALL
-- then
SELECT email, name FROM customers

BEGIN
-- then
DELETE FROM addresses WHERE customer_id = 3
-- then
ROLLBACK

BEGIN
-- then
ALTER TABLE customers ADD COLUMN vip boolean NOT NULL DEFAULT false
-- then
UPDATE customers SET vip = true WHERE id IN (SELECT customer_id FROM orders GROUP BY 1 HAVING count(*) > 5)
-- then
ALTER TABLE customers DROP COLUMN vip
-- then
ROLLBACK

BEGIN
-- then
UPDATE customers a SET notes = b.notes FROM customers b WHERE b.id = (SELECT min(id) FROM customers WHERE notes IS NOT NULL) AND a.id = 2
-- then
SELECT notes FROM customers WHERE id = 2
-- then
ROLLBACK

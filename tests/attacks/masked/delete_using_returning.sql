BEGIN
-- then
DELETE FROM support_tickets t USING customers c WHERE c.id = t.customer_id RETURNING c.email
-- then
ROLLBACK

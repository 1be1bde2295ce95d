BEGIN
-- then
DELETE FROM support_tickets WHERE sender IS NOT NULL RETURNING sender, body
-- then
ROLLBACK

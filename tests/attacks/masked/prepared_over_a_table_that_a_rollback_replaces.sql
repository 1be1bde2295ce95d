-- control: leaks
BEGIN
-- then
DROP TABLE support_tickets CASCADE
-- then
CREATE TABLE support_tickets (id bigint, sender text, body text)
-- then
PREPARE stale AS SELECT upper(sender) || body, lower(body) FROM support_tickets
-- then
ROLLBACK
-- then
EXECUTE stale

-- same: rows
BEGIN
-- then
SELECT id FROM emails WHERE sent_at IS NULL ORDER BY queued_at LIMIT 1 FOR UPDATE SKIP LOCKED
-- then
UPDATE emails SET sent_at = now() WHERE id = (SELECT id FROM emails WHERE sent_at IS NULL ORDER BY queued_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id
-- then
ROLLBACK

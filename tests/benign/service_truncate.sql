-- same: rows
BEGIN
-- then
TRUNCATE emails
-- then
SELECT count(*) FROM emails
-- then
ROLLBACK

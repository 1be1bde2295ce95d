-- same: rows
BEGIN
-- then
ALTER TABLE refunds RENAME COLUMN reason TO why
-- then
SELECT count(why) FROM refunds
-- then
ALTER TABLE refunds RENAME TO paybacks
-- then
SELECT count(*) FROM paybacks
-- then
ROLLBACK

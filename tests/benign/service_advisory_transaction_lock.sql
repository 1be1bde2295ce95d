-- same: rows
BEGIN
-- then
SELECT pg_advisory_xact_lock(42)
-- then
COMMIT

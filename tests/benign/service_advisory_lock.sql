-- same: rows
SELECT pg_try_advisory_lock(4711)
-- then
SELECT pg_advisory_unlock(4711)

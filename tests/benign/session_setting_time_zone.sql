-- same: rows
SET TIME ZONE 'Europe/Berlin'
-- then
SELECT timestamptz '2026-01-01 12:00+00'::text
-- then
SET TIME ZONE DEFAULT

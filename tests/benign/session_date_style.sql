-- same: rows
SET datestyle = 'German'
-- then
SELECT date '2026-02-01'::text

-- control: none: delivered at COMMIT, which the control never does
LISTEN box
-- then
SELECT pg_notify('box', string_agg(email, ',')) FROM (SELECT email FROM customers WHERE email IS NOT NULL LIMIT 9) s
-- then
SELECT 1
-- then
UNLISTEN box

-- same: rows
SET application_name = 'checkout'
-- then
SHOW application_name

-- same: rows
BEGIN
-- then
SET LOCAL work_mem = '32MB'
-- then
SHOW work_mem
-- then
COMMIT

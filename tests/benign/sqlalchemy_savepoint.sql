-- a nested transaction
-- same: rows
BEGIN
-- then
SAVEPOINT sa_savepoint_1
-- then
SAVEPOINT sa_savepoint_1
-- then
SELECT 1
-- then
RELEASE SAVEPOINT sa_savepoint_1
-- then
RELEASE SAVEPOINT sa_savepoint_1
-- then
ROLLBACK

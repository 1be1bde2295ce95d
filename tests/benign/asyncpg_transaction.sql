-- asyncpg's transaction() and a nested one
-- same: rows
BEGIN;
-- then
SAVEPOINT __asyncpg_savepoint_1__;
-- then
SELECT 1
-- then
RELEASE SAVEPOINT __asyncpg_savepoint_1__;
-- then
COMMIT;
-- then
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
-- then
ROLLBACK;

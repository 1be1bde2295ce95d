-- nested atomic: savepoints
-- same: rows
BEGIN
-- then
SAVEPOINT "s139879773875072_x4"
-- then
SELECT COUNT(*) AS "__count" FROM "products"
-- then
RELEASE SAVEPOINT "s139879773875072_x4"
-- then
ROLLBACK

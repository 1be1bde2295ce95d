-- same: rows
BEGIN
-- then
DECLARE c CURSOR FOR SELECT id, total FROM orders ORDER BY id
-- then
FETCH 3 FROM c
-- then
MOVE 2 FROM c
-- then
FETCH NEXT FROM c
-- then
CLOSE c
-- then
COMMIT

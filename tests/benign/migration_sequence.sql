-- same: rows
BEGIN
-- then
CREATE SEQUENCE tickets START 100
-- then
SELECT nextval('tickets')
-- then
SELECT setval('tickets', 500)
-- then
SELECT nextval('tickets')
-- then
ROLLBACK

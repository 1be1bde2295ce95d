-- control: none: this build of PostgreSQL has no libxml
BEGIN
-- then
DECLARE c CURSOR FOR SELECT 1
-- then
SELECT cursor_to_xml('c', 1, true, false, '')
-- then
ROLLBACK

-- same: rows
BEGIN
-- then
CREATE TYPE mood AS ENUM ('good', 'bad')
-- then
CREATE TABLE moods (id int, m mood)
-- then
INSERT INTO moods VALUES (1, 'good')
-- then
SELECT m FROM moods
-- then
ROLLBACK

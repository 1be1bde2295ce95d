-- same: rows
BEGIN
-- then
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))
-- then
INSERT INTO alembic_version (version_num) VALUES ('ae1027a6acf') RETURNING alembic_version.version_num
-- then
UPDATE alembic_version SET version_num = 'bd1' WHERE alembic_version.version_num = 'ae1027a6acf'
-- then
ROLLBACK

BEGIN
-- then
CREATE UNIQUE INDEX ON addresses (city)
-- then
ROLLBACK

BEGIN
-- then
ALTER TABLE products ADD CONSTRAINT products_title_check CHECK (length(title) > 0)
-- then
ALTER TABLE products ALTER COLUMN title SET DEFAULT 'new', ALTER COLUMN price DROP NOT NULL
-- then
ALTER TABLE products DROP CONSTRAINT products_title_check
-- then
ROLLBACK

-- same: rows
BEGIN
-- then
COMMENT ON TABLE products IS 'what we sell'
-- then
SELECT obj_description('products'::regclass)
-- then
ROLLBACK

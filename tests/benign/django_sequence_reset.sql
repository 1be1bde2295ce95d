-- sqlsequencereset, as fixtures do
-- same: rows
BEGIN
-- then
SELECT setval(pg_get_serial_sequence('"customers"','id'), coalesce(max("id"), 1), max("id") IS NOT null) FROM "customers"
-- then
SELECT setval(pg_get_serial_sequence('"products"','id'), coalesce(max("id"), 1), max("id") IS NOT null) FROM "products"
-- then
ROLLBACK

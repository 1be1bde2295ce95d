-- A statement is bound to the tables it meant when it was prepared, not to what the path finds later.
-- control: none: PostgreSQL plans again by the new path, and finds nothing
PREPARE p AS SELECT email FROM customers
-- then
SET search_path = pg_catalog
-- then
EXECUTE p
-- then
RESET search_path
-- then
DEALLOCATE p

-- same: rows
SET search_path TO public, pg_catalog
-- then
SHOW search_path

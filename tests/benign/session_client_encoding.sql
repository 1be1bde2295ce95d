-- same: rows
SET client_encoding TO 'UTF8'
-- then
SHOW client_encoding

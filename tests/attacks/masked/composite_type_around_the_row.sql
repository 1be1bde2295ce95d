BEGIN
-- then
CREATE TYPE wrapped AS (c customers)
-- then
SELECT ROW(c)::wrapped FROM customers c
-- then
ROLLBACK

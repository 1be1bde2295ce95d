PREPARE p AS SELECT email FROM customers WHERE id = $1
-- then
EXECUTE p(1)
-- then
DEALLOCATE p

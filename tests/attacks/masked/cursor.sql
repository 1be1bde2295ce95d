BEGIN
-- then
DECLARE cur CURSOR FOR SELECT email FROM customers
-- then
FETCH ALL FROM cur
-- then
ROLLBACK

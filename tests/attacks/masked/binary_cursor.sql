BEGIN
-- then
DECLARE cur BINARY CURSOR FOR SELECT email, birthday FROM customers
-- then
FETCH ALL FROM cur
-- then
ROLLBACK

DECLARE cur CURSOR WITH HOLD FOR SELECT email FROM customers
-- then
FETCH 5 FROM cur
-- then
CLOSE cur

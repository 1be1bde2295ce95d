-- Only the fake of the row leaves the value alone; the real value given by the client is written like any other.
-- answer: 1
-- control: none: one row here and there
BEGIN
-- then
UPDATE customers SET notes = 'cnrynote1 cnry1@cnry.example' WHERE id = 1
-- then
SELECT count(*) FROM customers WHERE id = 1
-- then
ROLLBACK

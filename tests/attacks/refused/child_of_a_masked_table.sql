-- control: leaks
CREATE TABLE child () INHERITS (customers)
-- then
ALTER TABLE child NO INHERIT customers
-- then
CREATE TABLE parent (email varchar(254))
-- then
ALTER TABLE customers INHERIT parent
-- then
SELECT email FROM parent

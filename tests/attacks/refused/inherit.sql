-- control: leaks
CREATE TABLE parent (email varchar(254))
-- then
ALTER TABLE customers INHERIT parent
-- then
SELECT email FROM parent

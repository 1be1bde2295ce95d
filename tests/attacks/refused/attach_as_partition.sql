-- control: leaks
CREATE TABLE parent (LIKE orders) PARTITION BY LIST (status)
-- then
ALTER TABLE parent ATTACH PARTITION orders DEFAULT
-- then
SELECT email FROM parent

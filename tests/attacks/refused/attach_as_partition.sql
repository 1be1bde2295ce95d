-- control: none: a table with an identity column cannot be attached, and all masked ones here have one
CREATE TABLE parent (LIKE orders) PARTITION BY LIST (status)
-- then
ALTER TABLE parent ATTACH PARTITION orders DEFAULT
-- then
SELECT email FROM parent

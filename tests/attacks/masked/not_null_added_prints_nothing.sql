-- control: none: names the column alone
ALTER TABLE customers ALTER COLUMN email SET NOT NULL

-- control: leaks
ALTER TABLE customers ADD COLUMN copy text GENERATED ALWAYS AS (lower(email)) STORED; SELECT copy FROM customers

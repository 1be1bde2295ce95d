-- control: leaks
ALTER TABLE customers ALTER COLUMN notes TYPE text USING email; SELECT notes FROM customers

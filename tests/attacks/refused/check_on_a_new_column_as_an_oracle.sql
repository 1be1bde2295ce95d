ALTER TABLE customers ADD COLUMN guess int CHECK (guess IS NULL OR length(name) > 5)

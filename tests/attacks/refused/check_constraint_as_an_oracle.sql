ALTER TABLE customers ADD CHECK (email < 'd' OR email IS NULL) NOT VALID

-- control: leaks
CREATE UNIQUE INDEX ON customers (left(email, 4))

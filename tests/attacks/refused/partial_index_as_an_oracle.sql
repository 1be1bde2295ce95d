CREATE INDEX guess ON customers (id) WHERE email LIKE 'cnry%'

-- expect: refused 42883
-- control: none: not installed
SELECT * FROM dblink('dbname=shop', 'SELECT email FROM customers') AS t(e text)

-- control: leaks
SELECT * FROM ts_stat('SELECT to_tsvector(''simple'', email) FROM customers')

SELECT DISTINCT ON (email) email, id FROM customers ORDER BY email

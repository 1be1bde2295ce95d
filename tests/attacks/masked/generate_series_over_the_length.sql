-- control: none: one character a row
SELECT id, substr(email, g, 1) FROM customers, generate_series(1, 200) g WHERE id = 1

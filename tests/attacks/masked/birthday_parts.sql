-- The year alone is the canary.
SELECT birthday, extract(year FROM birthday), to_char(birthday, 'YYYY-MM-DD'), age(birthday) FROM customers

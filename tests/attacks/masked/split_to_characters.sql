-- control: none: one character a row
SELECT regexp_split_to_table(email, '') FROM customers

-- same: rows
SELECT count(*), count(email), count(phone), count(birthday), count(notes) FROM customers

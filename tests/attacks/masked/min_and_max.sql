SELECT min(email), max(notes) FROM customers

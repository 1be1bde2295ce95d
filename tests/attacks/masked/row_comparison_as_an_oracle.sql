-- answer: 0
SELECT count(*) FROM customers WHERE (name, id) >= ('Cnry', 0) AND (name, id) < ('Cnrz', 0)

-- answer: 0
SELECT count(*) FROM customers c JOIN (VALUES ('Cnry cnryname1')) v(n) ON c.name = v.n

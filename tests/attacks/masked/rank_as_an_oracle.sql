-- answer: 0
SELECT count(*) FROM customers c WHERE c.name LIKE 'C%' AND (SELECT count(*) FROM customers d WHERE d.name < c.name) < 5

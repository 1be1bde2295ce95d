-- answer: 0
SELECT sum(CASE WHEN notes LIKE 'cnry%' THEN 1 ELSE 0 END) FROM customers

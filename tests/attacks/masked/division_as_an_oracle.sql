-- An error that only comes when the guess is right. 1: no error came.
-- answer: 1
SELECT 1 / (CASE WHEN name LIKE 'Cnry%' THEN 0 ELSE 1 END) FROM customers LIMIT 1

-- answer: 0
SELECT count(*) FILTER (WHERE notes LIKE 'cnry%') FROM customers

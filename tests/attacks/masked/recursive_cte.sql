WITH RECURSIVE r AS (SELECT id, email FROM customers WHERE id = 1
  UNION ALL SELECT c.id, c.email FROM customers c JOIN r ON c.id = r.id + 1 WHERE c.id < 9)
SELECT * FROM r

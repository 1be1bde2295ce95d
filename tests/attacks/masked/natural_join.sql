SELECT * FROM customers NATURAL JOIN (SELECT 1::bigint AS id) AS one

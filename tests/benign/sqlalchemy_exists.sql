-- an EXISTS
-- same: rows
SELECT EXISTS (SELECT *
FROM customers
WHERE customers.id = 1::BIGINT) AS anon_1

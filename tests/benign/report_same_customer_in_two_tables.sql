-- one domain, one fake: joins by the masked column hold
-- same: rows
SELECT count(*) FROM orders o JOIN customers c ON c.email = o.email AND c.id = o.customer_id

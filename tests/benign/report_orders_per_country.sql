-- same: rows
SELECT a.country, count(*), sum(o.total) FROM orders o JOIN addresses a ON a.id = o.address_id GROUP BY a.country ORDER BY 1

-- a field of a JSON column
-- same: rows
SELECT customers.settings ->> 'theme'::TEXT AS anon_1, count(*) AS count_1
FROM customers GROUP BY customers.settings ->> 'theme'::TEXT

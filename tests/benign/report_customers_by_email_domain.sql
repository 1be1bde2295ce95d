-- masked, and still a report
-- same: none: every fake has one domain
SELECT split_part(email, '@', 2) AS domain, count(*) FROM customers GROUP BY 1 ORDER BY 2 DESC LIMIT 5

-- same: rows
SELECT d::date, count(o.id) FROM generate_series(date '2020-01-01', date '2020-01-31', interval '1 day') AS d LEFT JOIN orders o ON o.placed_at >= d AND o.placed_at < d + interval '1 day' GROUP BY 1 ORDER BY 1

SELECT now(), CURRENT_TIMESTAMP(3), LOCALTIME(0), CURRENT_TIME, CURRENT_DATE LIMIT 0
=>
SELECT client_now() AS now, client_now()::timestamp (3) with time zone AS "current_timestamp", client_now()::time(0) AS "localtime", client_now()::time with time zone AS "current_time", client_now()::pg_catalog.date AS "current_date" LIMIT 0
---
SELECT 'now'::timestamptz, 'tomorrow'::date, now()::date, (SELECT now()) LIMIT 0
=>
SELECT client_now()::timestamptz AS timestamptz, (pg_catalog.date_trunc('day', client_now()) OPERATOR(pg_catalog.+) '1 day'::interval)::date, client_now()::date AS now, (SELECT client_now() AS now) AS now LIMIT 0
---
SELECT age(created_at) < interval '1 day' AS young FROM orders LIMIT 0
=>
SELECT pg_catalog.age(pg_catalog.date_trunc('day', client_now())::timestamp, created_at) < '1 day'::interval AS young FROM public.orders LIMIT 0
---
SELECT id FROM orders WHERE created_at > now() - interval '1 day'
=>
SELECT id FROM public.orders WHERE created_at > client_now() - '1 day'::interval
---
# These move on by themselves.
SELECT statement_timestamp(), clock_timestamp() LIMIT 0
=>
SELECT statement_timestamp(), clock_timestamp() LIMIT 0

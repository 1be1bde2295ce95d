SELECT c.id, c.email, count(o.id) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id LIMIT 3
=>
SELECT c.id, c.email, count(o.id) FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c JOIN public.orders o ON o.customer_id = c.id GROUP BY c.id, c.email ORDER BY c.id LIMIT 3
---
SELECT c.id, c.nick, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY 1 HAVING sum(o.total) > 300 ORDER BY c.nick LIMIT 3
=>
SELECT c.id, c.nick, sum(o.total) FROM (SELECT __t.id, __t.nick FROM public.customers __t) c JOIN public.orders o ON o.customer_id = c.id GROUP BY 1, c.nick HAVING sum(o.total) > 300 ORDER BY c.nick LIMIT 3
---
SELECT contacts.*, count(*) FROM contacts GROUP BY id ORDER BY id LIMIT 2
=>
SELECT contacts.id, contacts.customer_id, contacts.mail, contacts.tags, pg_catalog.any_value(contacts.raw) AS raw, contacts.shop, count(*) FROM (SELECT __t.id, __t.customer_id, mask(__t.mail) AS mail, mask(__t.tags) AS tags, __t.raw, __t.shop FROM public.contacts __t) contacts GROUP BY id, contacts.customer_id, contacts.mail, contacts.tags, contacts.shop ORDER BY id LIMIT 2
---
SELECT k.raw->>'a' AS a, k.id FROM contacts k GROUP BY k.id ORDER BY k.id LIMIT 2
=>
SELECT pg_catalog.any_value(k.raw) ->> 'a' AS a, k.id FROM (SELECT __t.id, __t.raw FROM public.contacts __t) k GROUP BY k.id ORDER BY k.id LIMIT 2
---
SELECT nick, count(*) FROM customers GROUP BY nick ORDER BY nick LIMIT 3
=>
SELECT nick, count(*) FROM (SELECT __t.nick FROM public.customers __t) customers GROUP BY nick ORDER BY nick LIMIT 3
---
SELECT GROUPING(nick), nick, count(*) FROM customers WHERE id < 3 GROUP BY ROLLUP (nick) ORDER BY 1, 2
=>
SELECT GROUPING(nick), nick, count(*) FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE id < 3 GROUP BY ROLLUP (nick) ORDER BY 1, 2

# The definition takes the view's place, and its tables are replaced like any other.
SELECT * FROM paying p WHERE p.id < 5 ORDER BY id
=>
SELECT * FROM (SELECT c.id, c.name, c.email AS mail, count(*) AS n FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c JOIN public.orders o ON o.customer_id = c.id WHERE o.status = 'paid'::public.order_status GROUP BY c.id, c.name, c.email) p WHERE p.id < 5 ORDER BY id
---
SELECT who, m FROM mails ORDER BY 1, 2 LIMIT 4
=>
SELECT who, m FROM (SELECT customers.id AS who, pg_catalog.upper(customers.email::text) AS m FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers UNION ALL SELECT contacts.id AS who, contacts.mail AS m FROM (SELECT __t.id, mask(__t.mail) AS mail FROM public.contacts __t) contacts) mails ORDER BY 1, 2 LIMIT 4
---
SELECT * FROM nested
=>
SELECT * FROM (SELECT m.m AS word, c.id FROM (SELECT customers.id AS who, pg_catalog.upper(customers.email::text) AS m FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers UNION ALL SELECT contacts.id AS who, contacts.mail AS m FROM (SELECT __t.id, mask(__t.mail) AS mail FROM public.contacts __t) contacts) m JOIN public.cheap c ON c.id = m.who) nested
---
# A view that shows nothing masked stays a view.
SELECT * FROM cheap
=>
SELECT * FROM public.cheap
---
# The policy may mask more of a view than of its tables.
SELECT * FROM roster WHERE id < 3
=>
SELECT * FROM (SELECT __v.id, (SELECT ('masked:'::pg_catalog.text OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256((SELECT CASE WHEN pg_catalog.current_setting('devinprod.key', true) OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN pg_catalog.current_setting('devinprod.key', true)::pg_catalog.bytea END OPERATOR(pg_catalog.||) E'\\x64193492b92528a52640ba536989ae6e'::pg_catalog.bytea) OPERATOR(pg_catalog.||) pg_catalog.convert_to(__v.nick::pg_catalog.text, 'UTF8')), 1, 8), 'hex'))::pg_catalog.text) AS nick FROM (SELECT id, nick FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers) __v) roster WHERE id < 3
---
# A view with now() would stand still.
SELECT id, at IS NULL AS late FROM today
=>
SELECT id, at IS NULL AS late FROM (SELECT id, client_now() AS at FROM public.products) today
---
WITH customers AS (SELECT 1 AS id) SELECT p.name FROM paying p JOIN customers c ON c.id = p.id
=>
WITH __cte0 AS (SELECT 1 AS id) SELECT p.name FROM (SELECT c.id, c.name, c.email AS mail, count(*) AS n FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c JOIN public.orders o ON o.customer_id = c.id WHERE o.status = 'paid'::public.order_status GROUP BY c.id, c.name, c.email) p JOIN __cte0 c ON c.id = p.id
---
DELETE FROM roster
=>
refused 0A000: devinprod does not understand a write to public.roster, a view with masked columns, so it does not run
---
UPDATE cheap SET price = 3 WHERE id = 1
=>
UPDATE public.cheap SET price = 3 WHERE id = 1

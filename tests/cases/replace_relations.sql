# A masked column is a mask wherever it is named; columns that nobody names are left out.
SELECT id, email FROM customers WHERE name = 'x'
=>
SELECT id, email FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE name = 'x'
---
# A relation with nothing masked only gets its schema.
SELECT * FROM orders
=>
SELECT * FROM public.orders
---
SELECT * FROM customers ORDER BY id LIMIT 3
=>
SELECT * FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers ORDER BY id LIMIT 3
---
SELECT count(*) FROM customers
=>
SELECT count(*) FROM (SELECT FROM public.customers __t) customers
---
SELECT c FROM customers AS c WHERE c.id < 3
=>
SELECT c FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c WHERE c.id < 3
---
SELECT row_to_json(c) FROM customers c WHERE id = 1
=>
SELECT row_to_json(c) FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c WHERE id = 1
---
SELECT (c).nick, (c).email FROM customers c WHERE id = 1
=>
SELECT (c).nick, (c).email FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c WHERE id = 1
---
SELECT c.*::text FROM customers c WHERE id = 1
=>
SELECT c.*::text FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c WHERE id = 1
---
SELECT a, b FROM customers AS x(a, b) WHERE a < 3
=>
SELECT a, b FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) x(a, b) WHERE a < 3
---
SELECT nick FROM ONLY customers WHERE id < 4
=>
SELECT nick FROM (SELECT __t.id, __t.nick FROM ONLY public.customers __t) customers WHERE id < 4
---
SELECT id FROM customers TABLESAMPLE BERNOULLI (100) WHERE id < 10
=>
SELECT id FROM (SELECT __t.id FROM public.customers __t TABLESAMPLE bernoulli(100)) customers WHERE id < 10
---
SELECT u.id FROM customers u NATURAL JOIN contacts WHERE u.id < 5
=>
SELECT u.id FROM (SELECT __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) u NATURAL JOIN (SELECT __t.id, __t.customer_id, mask(__t.mail) AS mail, mask(__t.tags) AS tags, __t.raw, __t.shop FROM public.contacts __t) contacts WHERE u.id < 5
---
SELECT id, nick, mail FROM customers JOIN contacts USING (id) WHERE id < 4
=>
SELECT id, nick, mail FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers JOIN (SELECT __t.id, mask(__t.mail) AS mail FROM public.contacts __t) contacts USING (id) WHERE id < 4
---
# WITH shadows a table, and never the other way round: such a name is changed.
WITH customers AS (SELECT 1 AS id, 'a' AS email) SELECT * FROM customers
=>
WITH __cte0 AS (SELECT 1 AS id, 'a' AS email) SELECT * FROM __cte0 customers
---
WITH customers AS (SELECT id, nick FROM customers WHERE id < 5) SELECT * FROM customers ORDER BY id
=>
WITH __cte0 AS (SELECT id, nick FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE id < 5) SELECT * FROM __cte0 customers ORDER BY id
---
WITH RECURSIVE customers AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM customers WHERE id < 3) SELECT * FROM customers
=>
WITH RECURSIVE __cte0 AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM __cte0 customers WHERE id < 3) SELECT * FROM __cte0 customers
---
# A schema in front means the table, whatever WITH says.
WITH customers AS (SELECT 1 AS id) SELECT id, email FROM public.customers WHERE id = 1
=>
WITH __cte0 AS (SELECT 1 AS id) SELECT id, email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE id = 1
---
# A WITH inside a subquery ends with it.
SELECT (WITH customers AS (SELECT 'x' AS email) SELECT email FROM customers), email FROM customers WHERE id = 1
=>
SELECT (WITH __cte0 AS (SELECT 'x' AS email) SELECT email FROM __cte0 customers), email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE id = 1
---
WITH RECURSIVE t AS (SELECT id, email, 1 AS n FROM customers WHERE id = 1 UNION ALL SELECT c.id, c.email, n + 1 FROM t JOIN customers c ON c.id = t.id + 1 WHERE n < 4) SELECT * FROM t
=>
WITH RECURSIVE t AS (SELECT id, email, 1 AS n FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE id = 1 UNION ALL SELECT c.id, c.email, n + 1 FROM t JOIN (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c ON c.id = t.id + 1 WHERE n < 4) SELECT * FROM t
---
SELECT (SELECT email FROM customers WHERE id = o.customer_id) FROM orders o LIMIT 3
=>
SELECT (SELECT email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE id = o.customer_id) FROM public.orders o LIMIT 3
---
SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE nick = 'nick5')
=>
SELECT id FROM public.orders WHERE customer_id IN (SELECT id FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE nick = 'nick5')
---
SELECT email FROM customers WHERE id < 3 UNION ALL SELECT mail FROM contacts WHERE id < 3
=>
SELECT email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE id < 3 UNION ALL SELECT mail FROM (SELECT __t.id, mask(__t.mail) AS mail FROM public.contacts __t) contacts WHERE id < 3
---
VALUES ((SELECT nick FROM customers WHERE id = 1), 2)
=>
VALUES ((SELECT nick FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE id = 1), 2)
---
TABLE contacts
=>
SELECT * FROM (SELECT __t.id, __t.customer_id, mask(__t.mail) AS mail, mask(__t.tags) AS tags, __t.raw, __t.shop FROM public.contacts __t) contacts
---
SELECT id FROM customers LIMIT (SELECT count(*) FROM products)
=>
SELECT id FROM (SELECT __t.id FROM public.customers __t) customers LIMIT (SELECT count(*) FROM public.products)
---
SELECT x.email FROM orders o, LATERAL (SELECT email FROM customers c WHERE c.id = o.customer_id) x LIMIT 3
=>
SELECT x.email FROM public.orders o, LATERAL (SELECT email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) c WHERE c.id = o.customer_id) x LIMIT 3
---
SELECT c.id, g FROM customers c CROSS JOIN generate_series(1, 2) g WHERE c.id < 3
=>
SELECT c.id, g FROM (SELECT __t.id FROM public.customers __t) c CROSS JOIN generate_series(1, 2) g WHERE c.id < 3
---
SELECT id, ctid IS NULL AS c, tableoid::regclass FROM customers WHERE id < 3
=>
SELECT id, ctid IS NULL AS c, tableoid::regclass FROM (SELECT __t.id, __t.ctid, __t.tableoid FROM public.customers __t) customers WHERE id < 3
---
SELECT *, ctid FROM customers
=>
refused 0A000: a "*" of public.customers beside its system columns cannot be masked
---
SELECT id, nick FROM customers WHERE id < 5 FOR UPDATE OF customers SKIP LOCKED
=>
SELECT id, nick FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE id < 5 FOR UPDATE OF customers SKIP LOCKED
---
SELECT public.customers.email FROM public.customers WHERE public.customers.id = 3
=>
SELECT customers.email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE customers.id = 3
---
SELECT shop.public.customers.nick FROM shop.public.customers WHERE id = 1
=>
SELECT customers.nick FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE id = 1
---
# A parent shows its children's rows: what the child hides is hidden in the parent too.
SELECT * FROM animals
=>
SELECT * FROM (SELECT __t.id, mask(__t.name) AS name FROM public.animals __t) animals
---
SELECT * FROM dogs
=>
SELECT * FROM (SELECT __t.id, mask(__t.name) AS name, __t.breed FROM public.dogs __t) dogs
---
SELECT who, what FROM events_1 WHERE id < 3
=>
SELECT who, what FROM (SELECT __t.id, mask(__t.who) AS who, __t.what FROM public.events_1 __t) events_1 WHERE id < 3
---
# No rule names this table.
SELECT * FROM unnamed
=>
SELECT * FROM (SELECT mask(__t.id) AS id, mask(__t.word) AS word FROM public.unnamed __t) unnamed
---
SELECT * FROM other.customers
=>
SELECT * FROM other.customers
---
SELECT * FROM snapshot ORDER BY id LIMIT 1
=>
SELECT * FROM (SELECT mask(__t.id) AS id, mask(__t.email) AS email FROM public.snapshot __t) snapshot ORDER BY id LIMIT 1
---
SELECT relname, prosrc FROM pg_class, pg_proc LIMIT 0
=>
SELECT relname, prosrc FROM pg_catalog.pg_class, (SELECT __t.oid, __t.proname, __t.pronamespace, __t.proowner, __t.prolang, __t.procost, __t.prorows, __t.provariadic, __t.prosupport, __t.prokind, __t.prosecdef, __t.proleakproof, __t.proisstrict, __t.proretset, __t.provolatile, __t.proparallel, __t.pronargs, __t.pronargdefaults, __t.prorettype, __t.proargtypes, __t.proallargtypes, __t.proargmodes, __t.proargnames, __t.proargdefaults, __t.protrftypes, NULL::pg_catalog.text AS prosrc, NULL::pg_catalog.text AS probin, NULL::pg_catalog.pg_node_tree AS prosqlbody, __t.proconfig, __t.proacl FROM pg_catalog.pg_proc __t) pg_proc LIMIT 0
---
SELECT * FROM nowhere
=>
refused 42P01: relation "nowhere" does not exist
---
SELECT * FROM pg_stats
=>
refused 42501: pg_catalog.pg_stats cannot be read: it holds values of real rows
---
SELECT * FROM pg_toast.pg_toast_1234
=>
refused 42P01: relation "pg_toast.pg_toast_1234" does not exist

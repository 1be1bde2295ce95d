UPDATE customers SET nick = 'x' WHERE id = 5 RETURNING *
=>
UPDATE public.customers __t SET nick = 'x' WHERE id = 5 RETURNING __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at
---
# A value of the client's is written; the fake of the row's own value leaves the value alone.
UPDATE customers SET email = 'new@x.com', nick = upper(nick) WHERE id = 5 RETURNING id, email, lower(nick)
=>
UPDATE public.customers __t SET email = CASE WHEN mask(__t.email) OPERATOR(pg_catalog.=) 'new@x.com'::varchar THEN __t.email ELSE 'new@x.com'::varchar END, nick = upper(nick) WHERE id = 5 RETURNING __t.id AS id, mask(__t.email) AS email, pg_catalog.lower(nick)
---
UPDATE customers SET email = NULL, notes = DEFAULT WHERE id = 5
=>
UPDATE public.customers __t SET email = NULL, notes = DEFAULT WHERE id = 5
---
UPDATE customers SET email = $1, birthday = $2 WHERE id = 5
=>
UPDATE public.customers __t SET email = CASE WHEN mask(__t.email) OPERATOR(pg_catalog.=) $1::varchar THEN __t.email ELSE $1::varchar END, birthday = CASE WHEN mask(__t.birthday) OPERATOR(pg_catalog.=) $2::pg_catalog.date THEN __t.birthday ELSE $2::pg_catalog.date END WHERE id = 5
---
# (differs) The fake is written.
# What an expression reads is masked.
UPDATE customers SET nick = email WHERE id = 5 RETURNING nick
=>
UPDATE public.customers __t SET nick = (SELECT email FROM (SELECT mask(__t.email) AS email) customers) WHERE id = 5 RETURNING __t.nick AS nick
---
UPDATE customers SET email = 'u' || id || '@x' WHERE id = 3 RETURNING id
=>
UPDATE public.customers __t SET email = (SELECT CASE WHEN mask(__t.email) OPERATOR(pg_catalog.=) __v.v THEN __t.email ELSE __v.v END FROM (SELECT ('u' || id || '@x')::varchar AS v) __v) WHERE id = 3 RETURNING __t.id AS id
---
# (differs) No fake begins so.
UPDATE customers c SET nick = 'z' WHERE c.email LIKE 'real5@%' AND c.id < 10 AND c.nick IS NOT NULL
=>
UPDATE public.customers __t SET nick = 'z' WHERE __t.id < 10 AND __t.nick IS NOT NULL AND (SELECT c.email LIKE 'real5@%' FROM (SELECT mask(__t.email) AS email) c)
---
UPDATE customers c SET nick = o.total::text FROM orders o WHERE o.customer_id = c.id AND o.id = 7 RETURNING c.id, o.id, c.nick
=>
UPDATE public.customers __t SET nick = o.total::text FROM public.orders o WHERE o.customer_id = __t.id AND o.id = 7 RETURNING __t.id AS id, o.id, __t.nick AS nick
---
UPDATE customers c SET nick = o.total::text FROM orders o WHERE o.customer_id = c.id AND o.id = 7 RETURNING *
=>
UPDATE public.customers __t SET nick = o.total::text FROM public.orders o WHERE o.customer_id = __t.id AND o.id = 7 RETURNING __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at, o.*
---
UPDATE customers SET (nick, email) = ('a', 'b') WHERE id = 3 RETURNING id, nick
=>
UPDATE public.customers __t SET nick = 'a', email = CASE WHEN mask(__t.email) OPERATOR(pg_catalog.=) 'b'::varchar THEN __t.email ELSE 'b'::varchar END WHERE id = 3 RETURNING __t.id AS id, __t.nick AS nick
---
UPDATE customers c SET (nick, notes) = (SELECT c.nick || p.name, c.notes FROM products p WHERE p.id = 1) WHERE id = 3 RETURNING id, nick
=>
UPDATE public.customers __t SET (nick, notes) = (SELECT __v.c1, CASE WHEN mask(__t.notes) OPERATOR(pg_catalog.=) __v.c2::pg_catalog.text THEN __t.notes ELSE __v.c2::pg_catalog.text END FROM (SELECT __t.id, mask(__t.name) AS name, __t.nick, mask(__t.notes) AS notes) c, LATERAL (SELECT c.nick || p.name, c.notes FROM public.products p WHERE p.id = 1) __v(c1, c2)) WHERE id = 3 RETURNING __t.id AS id, __t.nick AS nick
---
UPDATE customers SET id = id + 1000 WHERE id = 200 RETURNING old.id, new.id, old.email, new.nick
=>
UPDATE public.customers __t SET id = id + 1000 WHERE id = 200 RETURNING WITH (OLD AS __o, NEW AS __n) __o.id AS id, __n.id AS id, mask(__o.email) AS email, __n.nick AS nick
---
UPDATE customers SET nick = 'q' WHERE id = 4 RETURNING WITH (OLD AS o, NEW AS n) o.nick, n.email || email AS both
=>
UPDATE public.customers __t SET nick = 'q' WHERE id = 4 RETURNING WITH (OLD AS __o, NEW AS __n) __o.nick AS nick, (SELECT (SELECT n.email || email FROM (SELECT mask(__t.email) AS email) customers) FROM (SELECT mask(__n.email) AS email) n) AS "both"
---
UPDATE customers SET settings['a'] = '1' WHERE id = 3 RETURNING settings
=>
UPDATE public.customers __t SET settings['a'] = '1' WHERE id = 3 RETURNING __t.settings AS settings
---
UPDATE contacts SET tags[1] = 'zz' WHERE id = 3 RETURNING id
=>
UPDATE public.contacts __t SET tags[1] = 'zz' WHERE id = 3 RETURNING __t.id AS id
---
UPDATE orders SET total = total + 1 WHERE customer_id = (SELECT id FROM customers WHERE nick = 'nick3') RETURNING id, total
=>
UPDATE public.orders SET total = total + 1 WHERE customer_id = (SELECT id FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE nick = 'nick3') RETURNING id, total
---
UPDATE customers SET nick = (SELECT count(*) FROM orders WHERE customer_id = customers.id)::text WHERE id = 9 RETURNING nick
=>
UPDATE public.customers __t SET nick = (SELECT count(*) FROM public.orders WHERE customer_id = __t.id)::text WHERE id = 9 RETURNING __t.nick AS nick
---
UPDATE customers SET nick = (SELECT k.mail FROM contacts k WHERE k.customer_id = customers.id) WHERE id < 3 RETURNING id
=>
UPDATE public.customers __t SET nick = (SELECT k.mail FROM (SELECT __t.id, __t.customer_id, mask(__t.mail) AS mail FROM public.contacts __t) k WHERE k.customer_id = __t.id) WHERE id < 3 RETURNING __t.id AS id
---
UPDATE customers SET nick = 'o' WHERE public.customers.id = 3 RETURNING public.customers.id
=>
UPDATE public.customers __t SET nick = 'o' WHERE __t.id = 3 RETURNING __t.id AS id
---
# Nobody can name the real row: its name is not in the statement.
UPDATE customers SET nick = __t.email WHERE id = 5
=>
UPDATE public.customers __t0 SET nick = __t.email WHERE id = 5
---
WITH customers AS (SELECT 1 AS id) UPDATE customers SET nick = 'cte' WHERE id = (SELECT max(id) FROM customers) RETURNING id, nick
=>
WITH __cte0 AS (SELECT 1 AS id) UPDATE public.customers __t SET nick = 'cte' WHERE id = (SELECT max(id) FROM __cte0 customers) RETURNING __t.id AS id, __t.nick AS nick
---
UPDATE contacts SET raw = raw, mail = mail WHERE id = 3
=>
UPDATE public.contacts __t SET raw = raw, mail = (SELECT CASE WHEN mask(__t.mail) OPERATOR(pg_catalog.=) __v.v THEN __t.mail ELSE __v.v END FROM (SELECT (SELECT mail FROM (SELECT mask(__t.mail) AS mail) contacts)::public.email_address AS v) __v) WHERE id = 3
---
DELETE FROM contacts WHERE id = 3 RETURNING *
=>
DELETE FROM public.contacts __t WHERE id = 3 RETURNING __t.id, __t.customer_id, mask(__t.mail) AS mail, mask(__t.tags) AS tags, __t.raw, __t.shop
---
DELETE FROM contacts k USING customers c WHERE c.id = k.customer_id AND c.id = 7 RETURNING k.id, c.nick, k.mail
=>
DELETE FROM public.contacts __t USING (SELECT __t.id, __t.nick FROM public.customers __t) c WHERE c.id = __t.customer_id AND c.id = 7 RETURNING __t.id AS id, c.nick, mask(__t.mail) AS mail
---
DELETE FROM contacts WHERE mail IS NULL
=>
DELETE FROM public.contacts __t WHERE (SELECT mail IS NULL FROM (SELECT mask(__t.mail) AS mail) contacts)
---
DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email LIKE 'u%')
=>
DELETE FROM public.orders WHERE customer_id IN (SELECT id FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE email LIKE 'u%')
---
INSERT INTO customers (name, email, nick, created_at) VALUES ('N', 'e@x', 'k', '2024-01-01') RETURNING nick, email
=>
INSERT INTO public.customers AS __t (name, email, nick, created_at) VALUES ('N', 'e@x', 'k', '2024-01-01') RETURNING __t.nick AS nick, mask(__t.email) AS email
---
INSERT INTO customers (id, name, email, created_at) VALUES (1, 'N', 'e@x', '2024-01-01') ON CONFLICT (id) DO UPDATE SET nick = excluded.name, email = excluded.email RETURNING id, nick
=>
INSERT INTO public.customers AS __t (id, name, email, created_at) VALUES (1, 'N', 'e@x', '2024-01-01') ON CONFLICT (id) DO UPDATE SET nick = excluded.name, email = CASE WHEN mask(__t.email) OPERATOR(pg_catalog.=) excluded.email THEN __t.email ELSE excluded.email END RETURNING __t.id AS id, __t.nick AS nick
---
INSERT INTO customers AS c (id, name, created_at) VALUES (1, 'N', '2024-01-01') ON CONFLICT (id) DO UPDATE SET nick = c.email WHERE c.notes IS NOT NULL AND c.id = 1 RETURNING c.id
=>
INSERT INTO public.customers AS __t (id, name, created_at) VALUES (1, 'N', '2024-01-01') ON CONFLICT (id) DO UPDATE SET nick = (SELECT c.email FROM (SELECT mask(__t.email) AS email) c) WHERE __t.id = 1 AND (SELECT c.notes IS NOT NULL FROM (SELECT mask(__t.notes) AS notes) c) RETURNING __t.id AS id
---
INSERT INTO customers (id, name, created_at) VALUES (1, 'N', '2024-01-01') ON CONFLICT ON CONSTRAINT customers_pkey DO NOTHING
=>
INSERT INTO public.customers AS __t (id, name, created_at) VALUES (1, 'N', '2024-01-01') ON CONFLICT ON CONSTRAINT customers_pkey DO NOTHING
---
INSERT INTO customers (id, name, nick, created_at) SELECT id + 5000, name, nick, created_at FROM customers WHERE id < 3 RETURNING id, nick
=>
INSERT INTO public.customers AS __t (id, name, nick, created_at) SELECT id + 5000, name, nick, created_at FROM (SELECT __t.id, mask(__t.name) AS name, __t.nick, __t.created_at FROM public.customers __t) customers WHERE id < 3 RETURNING __t.id AS id, __t.nick AS nick
---
WITH x AS (UPDATE customers SET nick = 'y' WHERE id = 3 RETURNING *) SELECT id, nick, email FROM x
=>
WITH x AS (UPDATE public.customers __t SET nick = 'y' WHERE id = 3 RETURNING __t.id, mask(__t.name) AS name, mask(__t.email) AS email, __t.nick, mask(__t.phone) AS phone, mask(__t.birthday) AS birthday, mask(__t.notes) AS notes, __t.settings, __t.created_at) SELECT id, nick, email FROM x
---
# (differs) The fake is written.
WITH x AS (DELETE FROM contacts WHERE id < 3 RETURNING mail, id) INSERT INTO products SELECT id + 100, mail FROM x RETURNING id
=>
WITH x AS (DELETE FROM public.contacts __t WHERE id < 3 RETURNING mask(__t.mail) AS mail, __t.id AS id) INSERT INTO public.products SELECT id + 100, mail FROM x RETURNING id
---
MERGE INTO customers c USING contacts k ON c.id = k.customer_id AND c.email <> k.mail WHEN MATCHED AND k.id < 3 AND c.email LIKE 'u%' THEN UPDATE SET nick = k.mail, email = k.mail WHEN MATCHED AND k.id = 4 THEN DO NOTHING
=>
MERGE INTO public.customers __t USING (SELECT __t.id, __t.customer_id, mask(__t.mail) AS mail FROM public.contacts __t) k ON __t.id = k.customer_id AND (SELECT c.email <> k.mail FROM (SELECT mask(__t.email) AS email) c) WHEN MATCHED AND k.id < 3 AND (SELECT c.email LIKE 'u%' FROM (SELECT mask(__t.email) AS email) c) THEN UPDATE SET nick = k.mail, email = CASE WHEN mask(__t.email) OPERATOR(pg_catalog.=) k.mail THEN __t.email ELSE k.mail END WHEN MATCHED AND k.id = 4 THEN DO NOTHING
---
MERGE INTO customers c USING (VALUES (1, 'a'), (7777, 'b')) AS v(id, n) ON c.id = v.id WHEN MATCHED THEN UPDATE SET nick = v.n WHEN NOT MATCHED THEN INSERT (id, name, nick, created_at) VALUES (v.id, v.n, v.n, '2024-01-01') RETURNING merge_action(), c.id, v.n, c.nick
=>
MERGE INTO public.customers __t USING (VALUES (1, 'a'), (7777, 'b')) v(id, n) ON __t.id = v.id WHEN MATCHED THEN UPDATE SET nick = v.n WHEN NOT MATCHED THEN INSERT (id, name, nick, created_at) VALUES (v.id, v.n, v.n, '2024-01-01') RETURNING merge_action() , __t.id AS id, v.n, __t.nick AS nick
---
UPDATE customers AS excluded SET nick = excluded.email
=>
refused 0A000: devinprod cannot mask the name "excluded" for a table that is written, so it does not run
---
UPDATE audited SET word = 'x'
=>
UPDATE public.audited SET word = 'x'
---
INSERT INTO audited VALUES (1, 'x')
=>
refused 42501: function public.unknown_trigger() is not classified: devinprod does not know what it reads
---
UPDATE pg_class SET relname = 'x'
=>
refused 42501: permission denied: pg_catalog.pg_class is a system catalog
---
UPDATE customers SET nick = 'x' WHERE CURRENT OF c
=>
UPDATE public.customers __t SET nick = 'x' WHERE CURRENT OF c

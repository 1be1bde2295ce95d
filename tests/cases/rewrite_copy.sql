COPY customers (id, nick, email) TO STDOUT (FORMAT csv, HEADER)
=>
COPY (SELECT __t.id, __t.nick, mask(__t.email) AS email FROM ONLY public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) TO STDOUT WITH (FORMAT CSV, HEADER)
---
COPY contacts TO STDOUT
=>
COPY (SELECT __t.id, __t.customer_id, mask(__t.mail) AS mail, mask(__t.tags) AS tags, __t.raw, __t.shop FROM ONLY public.contacts __t) TO STDOUT
---
COPY orders TO STDOUT
=>
COPY public.orders TO STDOUT
---
COPY (SELECT id, email FROM customers WHERE id < 3) TO STDOUT
=>
COPY (SELECT id, email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers WHERE id < 3) TO STDOUT
---
COPY animals TO STDOUT
=>
COPY (SELECT __t.id, mask(__t.name) AS name FROM ONLY public.animals __t) TO STDOUT
---
COPY customers (id, name) FROM STDIN
=>
COPY public.customers(id, name) FROM STDIN
---
COPY customers TO '/tmp/x'
=>
refused 42501: COPY with a file of the server is not allowed
---
COPY customers TO PROGRAM 'cat'
=>
refused 42501: COPY with a program of the server is not allowed
---
COPY customers FROM '/etc/passwd'
=>
refused 42501: COPY with a file of the server is not allowed
---
COPY pg_stats TO STDOUT
=>
refused 42501: pg_catalog.pg_stats cannot be read: it holds values of real rows

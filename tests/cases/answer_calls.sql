# (differs) The call is answered.
# No rollback undoes setval: it gives its value and is not carried out.
SELECT setval('orders_id_seq', 5)
=>
SELECT 5::bigint AS setval
---
# (differs) The call is answered.
SELECT setval('orders_id_seq', coalesce(max(id), 1), max(id) IS NOT NULL) FROM products
=>
SELECT COALESCE(max(id), 1)::bigint AS setval FROM public.products
---
# (differs) The call is answered.
SELECT pg_advisory_lock(4), pg_try_advisory_lock(4), pg_advisory_unlock_all()
=>
SELECT pg_catalog.pg_sleep(0) AS pg_advisory_lock, true AS pg_try_advisory_lock, pg_catalog.pg_sleep(0) AS pg_advisory_unlock_all
---
SELECT pg_get_functiondef(oid) FROM pg_proc LIMIT 0
=>
SELECT NULL::pg_catalog.text AS pg_get_functiondef FROM (SELECT __t.oid, __t.proname, __t.pronamespace, __t.proowner, __t.prolang, __t.procost, __t.prorows, __t.provariadic, __t.prosupport, __t.prokind, __t.prosecdef, __t.proleakproof, __t.proisstrict, __t.proretset, __t.provolatile, __t.proparallel, __t.pronargs, __t.pronargdefaults, __t.prorettype, __t.proargtypes, __t.proallargtypes, __t.proargmodes, __t.proargnames, __t.proargdefaults, __t.protrftypes, NULL::pg_catalog.text AS prosrc, NULL::pg_catalog.text AS probin, NULL::pg_catalog.pg_node_tree AS prosqlbody, __t.proconfig, __t.proacl FROM pg_catalog.pg_proc __t) pg_proc LIMIT 0
---
# (differs) The call is answered.
SELECT secret_of(5), order_total(5)
=>
SELECT (SELECT (SELECT ('masked:'::pg_catalog.text OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256((SELECT CASE WHEN pg_catalog.current_setting('devinprod.key', true) OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN pg_catalog.current_setting('devinprod.key', true)::pg_catalog.bytea END OPERATOR(pg_catalog.||) E'\\x3dd8cc917ab717d83740197abd21c366'::pg_catalog.bytea) OPERATOR(pg_catalog.||) pg_catalog.convert_to(__f.v::pg_catalog.text, 'UTF8')), 1, 8), 'hex'))::pg_catalog.text) FROM (SELECT secret_of(5) AS v) __f) AS secret_of, order_total(5)
---
# An own function of PostgreSQL's name is not called by accident.
SELECT lower(nick) FROM customers WHERE id = 1
=>
SELECT pg_catalog.lower(nick) FROM (SELECT __t.id, __t.nick FROM public.customers __t) customers WHERE id = 1
---
SELECT leak(5)
=>
refused 42501: function public.leak(bigint) is not classified: devinprod does not know what it reads
---
SELECT public.lower(5::bigint)
=>
refused 42501: function public.lower(bigint) is not classified: devinprod does not know what it reads
---
SELECT o.dossier FROM orders o
=>
refused 42501: function public.dossier(public.orders) is not classified: devinprod does not know what it reads
---
SELECT (o).dossier FROM orders o
=>
refused 42501: function public.dossier(public.orders) is not classified: devinprod does not know what it reads
---
SELECT ('/etc/passwd'::text).pg_read_file
=>
refused 42501: pg_read_file() is not allowed: it reads files of the server
---
SELECT 1 ~~~> 2
=>
refused 42501: the function behind an operator, public.peek(integer,integer) is not classified: devinprod does not know what it reads
---
SELECT 1 OPERATOR(public.~~~>) 2
=>
refused 42501: the function behind an operator, public.peek(integer,integer) is not classified: devinprod does not know what it reads
---
SELECT set_config('search_path', '', false)
=>
SELECT set_config('search_path', '', false)
---
SELECT set_config('search_path', nick, false) FROM customers
=>
refused 0A000: devinprod does not understand set_config() with arguments that are not constants, so it does not run
---
SELECT set_config('search_path', 'x', false) FROM customers
=>
refused 0A000: devinprod does not understand set_config() in the middle of a query, so it does not run
---
SELECT current_setting('devinprod.key')
=>
refused 42501: settings of devinprod itself are not for clients
---
# (differs) The call is answered.
SELECT current_setting('devin' || 'prod.key')
=>
SELECT current_setting((SELECT CASE WHEN pg_catalog.translate(__s.name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') OPERATOR(pg_catalog.~~) 'devinprod.%'::pg_catalog.text THEN 'devinprod.hidden'::pg_catalog.text ELSE __s.name END FROM (SELECT ('devin' || 'prod.key')::pg_catalog.text AS name OFFSET 0) __s))
---
SELECT pg_read_file('/etc/passwd')
=>
refused 42501: pg_read_file() is not allowed: it reads files of the server
---
SELECT query_to_xml('select 1', true, false, '')
=>
refused 42501: query_to_xml() is not allowed: it runs SQL text that devinprod cannot see
---
SELECT * FROM ts_stat('select to_tsvector(email) from customers')
=>
refused 42501: ts_stat() is not allowed: it runs SQL text that devinprod cannot see
---
SELECT ('devinprod.key'::text).current_setting
=>
refused 0A000: devinprod does not understand a call of current_setting() that is not written as one, so it does not run
---
SELECT (oid).pg_get_functiondef FROM pg_proc
=>
refused 0A000: devinprod does not understand a call of pg_get_functiondef() that is not written as one, so it does not run
---
# (differs) The call is answered.
SELECT (5::bigint).secret_of
=>
refused 0A000: devinprod does not understand a call of secret_of() that is not written as one, so it does not run
---
SELECT current_setting(name => 'devinprod.key')
=>
refused 0A000: devinprod does not understand current_setting() with arguments by name, so it does not run
---
SELECT upper(x) FROM current_setting('work_mem') AS x
=>
SELECT upper(x) FROM current_setting('work_mem') x

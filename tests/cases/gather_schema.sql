CREATE TABLE trial (id int PRIMARY KEY, at timestamptz DEFAULT now(), c bigint REFERENCES customers (id))
=>
CREATE TABLE trial (id int PRIMARY KEY, at timestamptz DEFAULT now(), c bigint REFERENCES public.customers (id))
---
CREATE TABLE trial AS SELECT id, email FROM customers
=>
CREATE TABLE trial AS SELECT id, email FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers
---
SELECT id, email INTO trial FROM customers
=>
SELECT id, email INTO trial FROM (SELECT __t.id, mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers
---
CREATE TABLE trial (LIKE customers INCLUDING ALL)
=>
CREATE TABLE trial (LIKE public.customers INCLUDING ALL)
---
CREATE VIEW trial AS SELECT email, now() AS at FROM customers
=>
CREATE VIEW trial AS SELECT email, client_now() AS at FROM (SELECT mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers
---
CREATE MATERIALIZED VIEW trial AS SELECT email FROM customers
=>
CREATE MATERIALIZED VIEW trial AS SELECT email FROM (SELECT mask(__t.email) AS email FROM public.customers __t WHERE (__t.tableoid IS NOT NULL) IS TRUE) customers
---
CREATE INDEX ON customers (nick)
=>
CREATE INDEX ON public.customers USING btree (nick)
---
CREATE UNIQUE INDEX ON customers (email)
=>
CREATE UNIQUE INDEX ON public.customers USING btree (email)
---
ALTER TABLE customers ADD COLUMN score int NOT NULL DEFAULT 0 CHECK (score >= 0)
=>
ALTER TABLE public.customers ADD COLUMN score int NOT NULL DEFAULT 0 CHECK (score >= 0)
---
ALTER TABLE orders ADD COLUMN note text, ALTER COLUMN total TYPE numeric(12, 2) USING total * 2
=>
ALTER TABLE public.orders ADD COLUMN note text, ALTER COLUMN total TYPE numeric(12, 2) USING total * 2
---
ALTER TABLE orders RENAME COLUMN total TO sum
=>
ALTER TABLE public.orders RENAME COLUMN total TO sum
---
DROP TABLE contacts
=>
DROP TABLE public.contacts
---
DROP TABLE IF EXISTS nowhere
=>
DROP TABLE IF EXISTS nowhere
---
TRUNCATE orders
=>
TRUNCATE public.orders
---
LOCK TABLE customers IN SHARE MODE
=>
LOCK TABLE public.customers IN SHARE MODE
---
CREATE TYPE mood AS ENUM ('a', 'b')
=>
CREATE TYPE mood AS ENUM ('a', 'b')
---
COMMENT ON TABLE orders IS 'x'
=>
COMMENT ON TABLE orders IS 'x'
---
CREATE INDEX ON customers (lower(email))
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
CREATE INDEX ON customers (id) WHERE email LIKE 'a%'
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
CREATE INDEX CONCURRENTLY ON orders (total)
=>
refused 42501: CONCURRENTLY commits on its own, and a devinprod session never commits
---
CREATE STATISTICS s ON email, nick FROM customers
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
ALTER TABLE customers ADD CHECK (email < 'm')
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
ALTER TABLE customers ADD COLUMN copy text GENERATED ALWAYS AS (email) STORED
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
ALTER TABLE customers ALTER COLUMN email TYPE text
=>
refused 42501: changing the type of a masked column of public.customers could take masked columns from under their rules
---
ALTER TABLE customers ALTER COLUMN nick TYPE text USING email
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
ALTER TABLE customers RENAME TO x
=>
refused 42501: renaming public.customers could take masked columns from under their rules
---
ALTER TABLE customers RENAME COLUMN email TO nick2
=>
refused 42501: renaming public.customers could take masked columns from under their rules
---
ALTER TABLE customers SET SCHEMA other
=>
refused 42501: moving public.customers could take masked columns from under their rules
---
ALTER TABLE customers OWNER TO postgres
=>
refused 42501: changing the owner of public.customers could take masked columns from under their rules
---
ALTER TABLE customers INHERIT unnamed
=>
refused 42501: changing the inheritance of public.customers could take masked columns from under their rules
---
ALTER TABLE products INHERIT customers
=>
refused 42501: changing the inheritance of public.customers could take masked columns from under their rules
---
ALTER TABLE events ATTACH PARTITION customers FOR VALUES FROM (1) TO (2)
=>
refused 42501: attaching public.events could take masked columns from under their rules
---
ALTER TABLE events DETACH PARTITION events_1
=>
refused 42501: detaching public.events could take masked columns from under their rules
---
ALTER TABLE customers ENABLE ROW LEVEL SECURITY
=>
refused 42501: changing row security of public.customers could take masked columns from under their rules
---
ALTER TABLE customers REPLICA IDENTITY FULL
=>
refused 42501: changing the replica identity of public.customers could take masked columns from under their rules
---
CREATE TABLE t (e varchar REFERENCES customers (email))
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
ALTER TABLE customers ADD FOREIGN KEY (nick) REFERENCES contacts (mail)
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
ALTER DOMAIN email_address ADD CHECK (VALUE < 'm')
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
GRANT SELECT ON customers TO postgres
=>
refused 42501: changing privileges of public.customers could take masked columns from under their rules
---
CREATE RULE r AS ON UPDATE TO orders DO NOTHING
=>
refused 42501: devinprod does not see what this code reads, and some columns are masked
---
CREATE TRIGGER t BEFORE INSERT ON orders EXECUTE FUNCTION known_trigger()
=>
refused 42501: devinprod does not see what this code reads, and some columns are masked
---
CREATE POLICY p ON orders USING (true)
=>
refused 42501: devinprod does not see what this code reads, and some columns are masked
---
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
=>
refused 42501: devinprod does not see what this code reads, and some columns are masked
---
DO $$ BEGIN END $$
=>
refused 42501: devinprod does not see what this code reads, and some columns are masked
---
ALTER FUNCTION leak(bigint) RENAME TO order_total
=>
refused 0A000: devinprod does not understand renaming this kind of object, so it does not run
---
ALTER TABLE orders RENAME TO products2
=>
refused 0A000: devinprod does not understand renaming a table whose rows a function takes, so it does not run
---
ALTER SCHEMA public RENAME TO other2
=>
refused 0A000: devinprod does not understand renaming this kind of object, so it does not run
---
ALTER SEQUENCE orders_id_seq RESTART
=>
refused 42501: sequence public.orders_id_seq is production's: altering it would make others wait
---
ANALYZE customers
=>
refused 42501: ANALYZE changes statistics of the server in a way that no rollback undoes
---
VACUUM
=>
refused 42501: this statement cannot run in a devinprod session: VACUUM cannot run inside a transaction
---
REINDEX TABLE orders
=>
REINDEX TABLE public.orders
---
REINDEX DATABASE shop
=>
refused 0A000: devinprod does not understand REINDEX of more than one table, so it does not run
---
CREATE EXTENSION dblink
=>
refused 42501: this statement cannot run in a devinprod session: extensions bring functions that devinprod has not judged
---
ALTER SYSTEM SET work_mem = '1MB'
=>
refused 42501: this statement cannot run in a devinprod session: ALTER SYSTEM changes the server for everybody
---
CREATE INDEX ON customers (nick, email)
=>
refused 42501: an index of a masked column with others would give rows in the order of its values
---
CREATE INDEX ON customers (email) WHERE id > 3
=>
refused 42501: an index of a masked column with others would give rows in the order of its values
---
CREATE INDEX ON customers USING hash (email)
=>
CREATE INDEX ON public.customers USING hash (email)
---
ALTER TABLE customers ADD UNIQUE (nick, email)
=>
refused 42501: an index of a masked column with others would give rows in the order of its values
---
ALTER TABLE customers ADD EXCLUDE USING gist (email WITH =)
=>
refused 42501: an index of a masked column with others would give rows in the order of its values
---
CLUSTER customers USING customers_pkey
=>
refused 42501: CLUSTER would put the rows into the order of masked values
---
CREATE TABLE p3 PARTITION OF events (CHECK (who > 'm')) FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
=>
refused 42501: an expression of this statement reads a masked column: its success alone would tell values
---
CREATE TABLE p3 PARTITION OF events (UNIQUE (at, who)) FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
=>
refused 42501: an index of a masked column with others would give rows in the order of its values

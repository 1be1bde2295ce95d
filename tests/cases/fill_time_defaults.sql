INSERT INTO orders (id, customer_id) VALUES (9001, 5), (9002, 6) RETURNING customer_id
=>
INSERT INTO public.orders (id, customer_id, created_at) VALUES (9001, 5, client_now()), (9002, 6, client_now()) RETURNING customer_id
---
INSERT INTO orders (id, customer_id, created_at) VALUES (9001, 5, DEFAULT), (9002, 6, '2020-01-01') RETURNING customer_id
=>
INSERT INTO public.orders (id, customer_id, created_at) VALUES (9001, 5, client_now()), (9002, 6, '2020-01-01') RETURNING customer_id
---
INSERT INTO orders (id, customer_id) SELECT id + 9000, id FROM customers WHERE id < 4 UNION ALL SELECT 9100, 9 RETURNING customer_id
=>
INSERT INTO public.orders (id, customer_id, created_at) SELECT id + 9000, id, client_now() AS now FROM (SELECT __t.id FROM public.customers __t) customers WHERE id < 4 UNION ALL SELECT 9100, 9, client_now() AS now RETURNING customer_id
---
INSERT INTO orders VALUES (9001, 5) RETURNING customer_id
=>
INSERT INTO public.orders (id, customer_id, created_at) VALUES (9001, 5, client_now()) RETURNING customer_id
---
INSERT INTO orders DEFAULT VALUES RETURNING status
=>
INSERT INTO public.orders (created_at) VALUES (client_now()) RETURNING status
---
MERGE INTO orders o USING (VALUES (9001)) AS v(id) ON o.id = v.id WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id)
=>
MERGE INTO public.orders o USING (VALUES (9001)) v(id) ON o.id = v.id WHEN NOT MATCHED THEN INSERT (id, created_at) VALUES (v.id, client_now())

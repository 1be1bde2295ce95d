CREATE TEMP TABLE customers (id bigint)
-- then
SELECT c.email FROM public.customers c LEFT JOIN customers t USING (id)
-- then
DROP TABLE pg_temp.customers

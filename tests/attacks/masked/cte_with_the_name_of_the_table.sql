WITH customers AS (SELECT * FROM public.customers) SELECT email FROM customers

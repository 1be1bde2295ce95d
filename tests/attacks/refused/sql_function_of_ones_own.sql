CREATE FUNCTION mine() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM public.customers'

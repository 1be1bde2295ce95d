CREATE FUNCTION pg_temp.mine() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email FROM public.customers LIMIT 1); END $$

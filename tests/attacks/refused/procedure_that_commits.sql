CREATE PROCEDURE mine() LANGUAGE plpgsql AS $$ BEGIN UPDATE public.products SET title = 'x'; COMMIT; END $$

CREATE OR REPLACE FUNCTION public.order_total(wanted bigint) RETURNS numeric LANGUAGE sql AS 'SELECT length(email)::numeric FROM public.customers'

CREATE CAST (public.order_status AS integer) WITH INOUT

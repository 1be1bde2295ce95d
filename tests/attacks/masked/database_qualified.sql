SELECT email FROM shop.public.customers

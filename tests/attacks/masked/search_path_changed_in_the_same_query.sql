SET search_path = pg_catalog, public; SELECT email FROM customers; RESET search_path

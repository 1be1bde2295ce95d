SELECT DISTINCT jsonb_object_keys(settings) FROM customers

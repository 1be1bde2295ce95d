SELECT settings #>> '{cnrykey}', jsonb_path_query(settings, '$.*') FROM customers

SELECT p.* FROM customers c, jsonb_populate_record(NULL::customers, to_jsonb(c)) AS p

SELECT f.* FROM customers c, LATERAL json_to_record(row_to_json(c)) AS f (email text, name text)

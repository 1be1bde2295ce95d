SELECT json_agg(c) FROM customers c

SELECT to_jsonb(c) - 'id' FROM customers c

SELECT string_agg(email, ',') FROM customers

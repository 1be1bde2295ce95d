SELECT r.* FROM customers c, ROWS FROM (unnest(ARRAY[c.email, c.name])) WITH ORDINALITY AS r

SELECT t.v FROM customers c, JSON_TABLE(c.settings, '$' COLUMNS (v text PATH '$.cnrykey')) t

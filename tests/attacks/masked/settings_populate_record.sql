SELECT r.cnrykey AS v FROM customers c, jsonb_to_record(c.settings) AS r (cnrykey text)

SELECT k.* FROM customers c, jsonb_each_text(c.settings) AS k

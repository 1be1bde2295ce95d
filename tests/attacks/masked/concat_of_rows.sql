SELECT concat_ws('|', c, c.name) FROM customers c

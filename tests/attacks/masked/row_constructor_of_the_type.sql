SELECT ROW(c.*)::customers FROM customers c

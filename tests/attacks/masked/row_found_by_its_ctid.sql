SELECT (SELECT c.email FROM customers c WHERE c.ctid = x.ctid) FROM customers x

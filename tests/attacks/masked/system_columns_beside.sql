SELECT ctid, tableoid, xmin, email FROM customers

-- same: rows
SELECT nextval('orders_id_seq') IS NOT NULL, lastval() IS NOT NULL

-- same: rows
SELECT col_description('public.order_lines'::regclass, 7)

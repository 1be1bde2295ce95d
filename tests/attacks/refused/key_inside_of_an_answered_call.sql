-- expect: refused 42704
-- control: none: no key there
SELECT chr(setval('orders_id_seq', ascii(substr(current_setting('devin' || 'prod.key'), 3, 1)))::int)

-- control: none: no key there
SELECT pg_catalog.current_setting('devinprod.key', true)

-- control: none: no key there
SELECT current_setting('devinprod.key', true)::int

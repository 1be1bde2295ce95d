-- control: none: no key there
SELECT current_setting(n, true) FROM (VALUES ('devinprod.key')) v(n)

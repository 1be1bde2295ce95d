-- control: none: no key there
SELECT current_setting(E'devinprod\x2ekey', true)

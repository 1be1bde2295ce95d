-- control: none: no key there
SHOW devinprod.key

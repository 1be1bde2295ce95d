-- control: none: no key there
RESET devinprod.key

-- control: none: no key there
SHOW DEVINPROD.KEY

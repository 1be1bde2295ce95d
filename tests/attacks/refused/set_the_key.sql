SET devinprod.key = 'x'

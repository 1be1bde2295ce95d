BEGIN; SET LOCAL devinprod.key = 'x'; ROLLBACK

SET devinprod.txn_start = '0'

SELECT format('%s', c) FROM customers c

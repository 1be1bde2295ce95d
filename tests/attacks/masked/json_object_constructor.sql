SELECT JSON_OBJECT('e' : email, 'n' : name) FROM customers

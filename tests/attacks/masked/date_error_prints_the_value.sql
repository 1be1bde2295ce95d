SELECT notes::date FROM customers WHERE notes IS NOT NULL

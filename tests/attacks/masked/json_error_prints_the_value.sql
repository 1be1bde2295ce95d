SELECT notes::json FROM customers WHERE notes IS NOT NULL

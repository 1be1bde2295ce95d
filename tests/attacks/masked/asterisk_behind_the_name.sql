SELECT email FROM customers *

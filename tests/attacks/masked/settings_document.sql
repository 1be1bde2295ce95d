SELECT settings FROM customers

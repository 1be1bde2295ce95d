SELECT email::int FROM customers

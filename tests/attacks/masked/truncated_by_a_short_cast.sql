SELECT email::varchar(3), left(name, 4) FROM customers

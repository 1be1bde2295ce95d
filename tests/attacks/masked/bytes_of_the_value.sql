-- control: none: the value comes in another coding
SELECT convert_to(email, 'UTF8'), encode(email::bytea, 'hex') FROM customers

SELECT phone, postcode FROM customers, addresses WHERE customer_id = customers.id

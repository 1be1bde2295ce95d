SELECT upper(lower(email)), initcap(name), reverse(reverse(email)) FROM customers

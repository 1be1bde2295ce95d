SELECT string_agg(customer || city, ',') FROM open_orders

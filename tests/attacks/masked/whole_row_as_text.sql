SELECT c::text FROM customers c

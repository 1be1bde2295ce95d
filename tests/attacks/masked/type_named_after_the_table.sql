SELECT c::customers FROM customers c

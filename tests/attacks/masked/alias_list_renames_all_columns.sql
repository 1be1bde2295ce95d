SELECT b FROM customers AS c (a, b)

SELECT email AS "$$" FROM customers WHERE $$a$$ = $x$a$x$

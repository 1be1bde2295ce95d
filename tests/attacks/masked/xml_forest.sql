-- control: none: this build of PostgreSQL has no libxml
SELECT xmlforest(email AS e) FROM customers

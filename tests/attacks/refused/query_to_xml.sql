-- control: none: this build of PostgreSQL has no libxml
SELECT query_to_xml('SELECT email FROM customers', true, false, '')

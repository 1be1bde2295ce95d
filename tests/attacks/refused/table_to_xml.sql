-- control: none: this build of PostgreSQL has no libxml
SELECT table_to_xml('customers', true, false, '')

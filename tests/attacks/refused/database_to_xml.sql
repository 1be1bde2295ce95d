-- control: none: this build of PostgreSQL has no libxml
SELECT database_to_xml(true, false, '')

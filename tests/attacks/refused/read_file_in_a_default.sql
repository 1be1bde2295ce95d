-- control: none: a default is only evaluated later
CREATE TABLE trial (a text DEFAULT pg_read_file('PG_VERSION'))

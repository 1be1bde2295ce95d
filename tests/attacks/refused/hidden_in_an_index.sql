-- control: none: not immutable
CREATE INDEX ON products (pg_read_file(title))

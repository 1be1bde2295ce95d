-- control: none: not installed
CREATE EXTENSION dblink

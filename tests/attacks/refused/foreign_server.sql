-- control: none: needs a wrapper
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw

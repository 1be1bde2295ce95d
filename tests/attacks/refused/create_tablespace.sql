-- control: none: no rollback undoes it
CREATE TABLESPACE mine LOCATION '/tmp'

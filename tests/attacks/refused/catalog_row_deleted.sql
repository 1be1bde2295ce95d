DELETE FROM pg_catalog.pg_attribute WHERE attname = 'email'

SELECT "pg_catalog"."pg_read_file"('PG_VERSION')

-- What SQLAlchemy asks on its first connection
-- same: rows
select pg_catalog.version()

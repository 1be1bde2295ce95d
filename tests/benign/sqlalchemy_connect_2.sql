-- What SQLAlchemy asks on its first connection
-- same: rows
select current_schema()

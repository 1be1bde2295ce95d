-- What SQLAlchemy asks on its first connection
-- same: rows
show transaction isolation level

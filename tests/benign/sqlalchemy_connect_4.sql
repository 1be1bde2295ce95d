-- What SQLAlchemy asks on its first connection
-- same: rows
show standard_conforming_strings

-- same: rows
SELECT current_user = session_user, current_database(), current_catalog, current_schema

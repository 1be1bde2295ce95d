-- what pgjdbc sends first
SET extra_float_digits = 3
-- then
SET application_name = 'PostgreSQL JDBC Driver'

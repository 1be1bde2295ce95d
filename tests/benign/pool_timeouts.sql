SET statement_timeout = '30s'
-- then
SET lock_timeout TO 5000
-- then
SET idle_in_transaction_session_timeout = 60000
-- then
RESET statement_timeout

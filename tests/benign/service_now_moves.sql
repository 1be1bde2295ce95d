-- same: rows
SELECT now() <= clock_timestamp(), now() > clock_timestamp() - interval '1 minute', CURRENT_TIMESTAMP = now(), CURRENT_DATE = now()::date

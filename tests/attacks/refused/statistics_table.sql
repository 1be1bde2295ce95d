-- control: leaks
ANALYZE addresses
-- then
SELECT stavalues1::text FROM pg_statistic WHERE starelid = 'public.addresses'::regclass

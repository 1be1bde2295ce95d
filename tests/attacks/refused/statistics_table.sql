-- control: leaks
SELECT stavalues1::text FROM pg_statistic WHERE starelid = 'public.addresses'::regclass

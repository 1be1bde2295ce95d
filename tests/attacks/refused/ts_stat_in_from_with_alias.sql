-- control: leaks
SELECT w.word FROM pg_catalog.ts_stat($$SELECT to_tsvector('simple', name) FROM public.customers$$) AS w

-- control: leaks
SELECT most_common_vals FROM pg_stats WHERE tablename = 'addresses' AND attname = 'city'

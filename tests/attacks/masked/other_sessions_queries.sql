-- control: none: no other session says canary
SELECT query FROM pg_stat_activity

-- control: none: commits
DROP INDEX CONCURRENTLY orders_open_idx

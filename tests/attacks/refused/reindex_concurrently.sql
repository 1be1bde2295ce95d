-- control: none: commits
REINDEX TABLE CONCURRENTLY customers

-- control: none: commits
CREATE INDEX CONCURRENTLY ON customers (created_at)

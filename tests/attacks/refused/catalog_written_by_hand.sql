UPDATE pg_class SET relname = 'gone' WHERE relname = 'customers'

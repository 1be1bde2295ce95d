SET log_statement = 'all'

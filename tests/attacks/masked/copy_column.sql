COPY customers (email) TO STDOUT (FORMAT csv)

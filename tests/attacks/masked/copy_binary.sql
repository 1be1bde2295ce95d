COPY customers (name, email) TO STDOUT (FORMAT binary)

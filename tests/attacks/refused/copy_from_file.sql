-- control: none: reads a file of the server
COPY products (title) FROM '/etc/passwd'

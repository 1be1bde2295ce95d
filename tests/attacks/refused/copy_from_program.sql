-- control: none: runs a program
COPY products (title) FROM PROGRAM 'id'

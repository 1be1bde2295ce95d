-- control: none: rewrites the table
VACUUM (FULL) customers

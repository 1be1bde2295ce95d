-- control: none: writes a file
COPY (SELECT 1) TO '/tmp/stolen.csv'

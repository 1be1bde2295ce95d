-- control: none: writes a file
COPY customers TO '/tmp/stolen.csv'

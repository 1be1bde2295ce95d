-- control: none: writes a file
SELECT lo_export(1, '/tmp/x')

-- control: none: not there
LOAD 'auto_explain'

-- control: none: needs a server
CREATE FOREIGN TABLE elsewhere (a int) SERVER elsewhere

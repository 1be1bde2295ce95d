-- expect: refused
-- control: runs
SET client_encoding = 'SJIS'

-- same: rows
CREATE TEMP TABLE scratch (a int); INSERT INTO scratch VALUES (1), (2); SELECT sum(a) FROM scratch; DROP TABLE scratch

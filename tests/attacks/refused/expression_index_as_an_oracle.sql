-- control: none: the error is the answer
CREATE INDEX ON customers ((1 / (length(name) - 14)))

-- same: rows
SELECT count(DISTINCT city) FROM addresses

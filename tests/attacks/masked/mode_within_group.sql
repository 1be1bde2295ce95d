SELECT mode() WITHIN GROUP (ORDER BY city) FROM addresses

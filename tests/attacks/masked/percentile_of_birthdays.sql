SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY birthday) FROM customers

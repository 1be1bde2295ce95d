SELECT to_tsvector('simple', notes), ts_headline('simple', notes, 'cnry:*') FROM customers WHERE notes IS NOT NULL

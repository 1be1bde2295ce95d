-- same: rows
SELECT random() < 1, length(gen_random_uuid()::text), md5('x'), encode(sha256('x'), 'hex')

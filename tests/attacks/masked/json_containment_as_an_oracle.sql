-- answer: 0
SELECT count(*) FROM customers WHERE settings @> '{"cnrykey": "cnryvalue1"}' OR settings ? 'cnrykey'

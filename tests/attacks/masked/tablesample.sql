SELECT email FROM customers TABLESAMPLE bernoulli (100)

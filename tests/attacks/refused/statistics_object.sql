CREATE STATISTICS guess ON lower(email), name FROM customers

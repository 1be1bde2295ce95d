/* harmless */ SELECT /* nothing */ email -- to see
FROM customers

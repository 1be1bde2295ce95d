-- answer: 0
SELECT count(*) FROM customers WHERE position('cnry' IN name) > 0

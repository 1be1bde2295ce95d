SELECT email FROM ONLY customers

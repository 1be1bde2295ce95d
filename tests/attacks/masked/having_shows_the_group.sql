SELECT city FROM addresses GROUP BY city HAVING count(*) > 1

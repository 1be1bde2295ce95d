SELECT a.*, p.holder, p.account FROM addresses a LEFT JOIN payment_methods p USING (customer_id)

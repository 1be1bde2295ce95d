-- control: none: no key there
SELECT c.*, current_setting('devin' || 'prod.key', true) FROM customers c GROUP BY c.id

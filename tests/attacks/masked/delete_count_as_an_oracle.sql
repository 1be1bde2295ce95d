-- tag: DELETE 0
DELETE FROM support_tickets WHERE body LIKE 'cnry%'

-- tag: UPDATE 0
UPDATE customers SET created_at = created_at WHERE name LIKE 'Cnry%'

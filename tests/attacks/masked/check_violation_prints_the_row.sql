UPDATE order_lines SET quantity = -1 WHERE false OR quantity > 0 AND order_id IN (SELECT id FROM orders WHERE email LIKE 'cnry%')
-- then
UPDATE customers SET email = 'no-at-sign' WHERE id = 2

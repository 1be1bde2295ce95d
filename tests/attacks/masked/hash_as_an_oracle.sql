-- answer: 0
SELECT count(*) FROM customers WHERE md5(name) = md5('Cnry cnryname1') OR hashtext(name) = hashtext('Cnry cnryname1')

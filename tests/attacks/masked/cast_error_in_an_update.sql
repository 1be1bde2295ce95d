UPDATE orders SET total = email::numeric WHERE email IS NOT NULL

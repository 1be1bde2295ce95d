SELECT set_config('work_mem', email, false) FROM customers WHERE email IS NOT NULL

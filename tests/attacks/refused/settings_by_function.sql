SELECT set_config('log_min_messages', 'debug5', false)

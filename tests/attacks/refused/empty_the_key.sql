SELECT set_config('devinprod.key', '', false)

SET dynamic_library_path = '/tmp'

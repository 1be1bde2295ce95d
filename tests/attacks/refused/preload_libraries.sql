SET local_preload_libraries = 'x'

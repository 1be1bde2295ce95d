SELECT * FROM pg_largeobject

SELECT * FROM pg_replication_slots

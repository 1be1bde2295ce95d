-- same: rows
DEALLOCATE ALL; CLOSE ALL; UNLISTEN *; RESET ALL; SELECT pg_advisory_unlock_all()

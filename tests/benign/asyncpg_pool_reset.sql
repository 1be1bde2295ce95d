-- what asyncpg's pool sends at every release
-- same: rows
SELECT pg_advisory_unlock_all();
CLOSE ALL;
UNLISTEN *;
RESET ALL;

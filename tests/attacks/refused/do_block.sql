DO $$ BEGIN PERFORM set_config('app.x', (SELECT email FROM customers LIMIT 1), false); END $$

-- control: leaks
DO $$ BEGIN RAISE EXCEPTION '%', (SELECT string_agg(email, ',') FROM customers); END $$

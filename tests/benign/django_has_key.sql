-- has_key
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" WHERE "customers"."settings" ? 'theme' LIMIT 5

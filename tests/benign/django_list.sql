-- a page
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" LIMIT 5

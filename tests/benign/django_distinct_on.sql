-- distinct on
SELECT DISTINCT ON ("customers"."name") "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" ORDER BY "customers"."name" ASC LIMIT 3

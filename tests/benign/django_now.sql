-- Now()
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" WHERE "customers"."created_at" <= (STATEMENT_TIMESTAMP()) LIMIT 3

-- a year lookup
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" WHERE "customers"."created_at" BETWEEN '2020-01-01 00:00:00-06:00'::timestamptz AND '2020-12-31 23:59:59.999999-06:00'::timestamptz LIMIT 3

-- explain()
-- same: none: the plan of masked columns is longer
EXPLAIN SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" WHERE "customers"."id" = 1

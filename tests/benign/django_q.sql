-- Q objects with icontains and startswith
-- same: none: the filter sees fakes
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."phone", "customers"."birthday", "customers"."settings", "customers"."notes", "customers"."created_at" FROM "customers" WHERE (UPPER("customers"."name"::text) LIKE UPPER('%an%') OR "customers"."email"::text LIKE 'a%') LIMIT 5

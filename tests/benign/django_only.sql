-- only()
SELECT "customers"."id", "customers"."name" FROM "customers" WHERE "customers"."id" IN (1, 2, 3)

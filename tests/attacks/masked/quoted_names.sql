SELECT "c"."email" FROM "public"."customers" AS "c"

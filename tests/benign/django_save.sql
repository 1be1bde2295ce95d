-- get and save(): every column is written back
BEGIN
-- then
UPDATE "customers" SET "name" = 'Mia von Hohenstein', "email" = 'mia.von.hohenstein@lindenhof.example', "phone" = NULL, "birthday" = '1984-12-19'::date, "settings" = '{"delivery": {"leave_with": "Aleksandra Nagy"}, "language": "en"}'::jsonb, "notes" = 'seen', "created_at" = '2017-03-05 10:53:49+00:00'::timestamptz WHERE "customers"."id" = 1
-- then
ROLLBACK

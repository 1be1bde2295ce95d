-- objects.create
BEGIN
-- then
INSERT INTO "customers" ("name", "email", "phone", "birthday", "settings", "notes", "created_at") VALUES ('A', 'n1@example.org', NULL, NULL, '{}'::jsonb, NULL, '2026-11-25 00:31:53.517835+00:00'::timestamptz) RETURNING "customers"."id"
-- then
ROLLBACK

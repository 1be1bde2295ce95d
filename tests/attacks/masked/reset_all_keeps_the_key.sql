-- A pool sends this at every release. Masks must neither vanish nor go on without their key.
RESET ALL
-- then
SELECT email FROM customers

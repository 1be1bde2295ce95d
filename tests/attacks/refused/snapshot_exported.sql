-- control: none: not inside of a subtransaction
SELECT pg_export_snapshot()

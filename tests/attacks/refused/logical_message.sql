-- Goes out to every subscriber although the transaction is rolled back.
SELECT pg_logical_emit_message(false, 'x', 'y')

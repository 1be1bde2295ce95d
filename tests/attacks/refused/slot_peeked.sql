-- control: none: reads every change of everybody
SELECT * FROM pg_logical_slot_peek_changes('devinprod', NULL, NULL)

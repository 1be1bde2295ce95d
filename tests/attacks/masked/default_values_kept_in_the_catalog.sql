-- control: none: nothing there
SELECT attmissingval FROM pg_attribute WHERE attmissingval IS NOT NULL

-- control: none: keeps WAL for ever
SELECT pg_create_logical_replication_slot('spy', 'test_decoding')

-- control: none: the bodies of the shop hold no canary
SELECT prosrc, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace

-- control: none: a setting of the server
SET allow_system_table_mods = on

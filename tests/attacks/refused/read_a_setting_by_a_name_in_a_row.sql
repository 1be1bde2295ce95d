-- control: none: no such setting there
-- expect: refused 42704
SELECT current_setting(v.name) FROM (VALUES (upper('devinprod.key'))) AS v (name)

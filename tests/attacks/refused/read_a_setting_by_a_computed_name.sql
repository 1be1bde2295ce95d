-- control: none: no such setting there
-- expect: refused 42704
SELECT current_setting(concat('devin', 'prod.key'))

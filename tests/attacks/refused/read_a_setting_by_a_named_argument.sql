-- expect: refused 0A000
-- control: none: no such setting there
SELECT current_setting(missing_ok => true, setting_name => 'devinprod.key')

-- control: none: no such setting there
SELECT current_setting(missing_ok => true, setting_name => 'devinprod.key')

-- control: none: no key there
SELECT current_setting(current_setting('devin' || 'prod.key', true))

-- control: none: no key there
SET bytea_output = 'escape'
-- then
SELECT current_setting('\x646576696e70726f642e6b6579'::bytea::text, true)

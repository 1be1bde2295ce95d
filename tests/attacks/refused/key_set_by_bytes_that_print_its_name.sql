SET bytea_output = 'escape'
-- then
SELECT set_config('\144evinprod.key'::bytea::text, '\x00', false)

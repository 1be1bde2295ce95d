SELECT set_config('app.box', (SELECT string_agg(email, ' ') FROM customers), false)
-- then
SHOW app.box
-- then
RESET app.box

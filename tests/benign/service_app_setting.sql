-- same: rows
SELECT set_config('app.tenant', '7', false)
-- then
SELECT current_setting('app.tenant'), current_setting('app.nothing', true)

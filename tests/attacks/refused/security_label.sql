-- control: none: no provider is loaded
SECURITY LABEL ON COLUMN customers.email IS 'x'

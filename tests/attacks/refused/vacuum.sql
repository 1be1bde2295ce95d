-- control: none: harmless outside of a session
VACUUM customers

-- control: none: not installed
CREATE EXTENSION plpython3u

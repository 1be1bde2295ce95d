SET client_min_messages TO warning
-- then
SET standard_conforming_strings = on

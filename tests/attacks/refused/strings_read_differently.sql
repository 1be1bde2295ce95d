-- expect: refused
-- control: runs
SET standard_conforming_strings = off

CREATE AGGREGATE public.mine(text) (SFUNC = textcat, STYPE = text)

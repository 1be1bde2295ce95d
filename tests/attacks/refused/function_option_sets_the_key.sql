CREATE FUNCTION mine() RETURNS int LANGUAGE sql SET devinprod.key = '' AS 'SELECT 1'

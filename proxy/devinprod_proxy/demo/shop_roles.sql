-- Who may do what. shop_service and devinprod are login roles that exist already.

-- The owner's rights are what a migration needs, so that one can be tried in a session.
GRANT shop_owner TO devinprod;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_service;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO shop_service;

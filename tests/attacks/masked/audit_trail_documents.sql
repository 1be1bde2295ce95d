SELECT old, new ->> 'email' FROM audit_trail

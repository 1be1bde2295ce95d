-- control: none: needs a function
CREATE EVENT TRIGGER spy ON ddl_command_start EXECUTE FUNCTION public.write_audit_row()

-- control: none: needs an operator class
ALTER TABLE customers ADD EXCLUDE USING btree ((left(name, 3)) WITH =)

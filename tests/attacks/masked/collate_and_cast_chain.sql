SELECT ((email COLLATE "C")::text::varchar(10)::char(4))::name FROM customers

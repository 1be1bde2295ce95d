CREATE SCHEMA sandbox; ALTER TABLE customers SET SCHEMA sandbox

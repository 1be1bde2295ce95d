ALTER TABLE customers RENAME TO customers_old

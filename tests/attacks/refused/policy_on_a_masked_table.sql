CREATE POLICY spy ON customers USING (email LIKE 'cnry%')

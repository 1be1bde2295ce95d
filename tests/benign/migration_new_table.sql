-- same: rows
BEGIN
-- then
CREATE TABLE loyalty (customer_id bigint PRIMARY KEY REFERENCES customers (id), points int NOT NULL DEFAULT 0 CHECK (points >= 0), since timestamptz DEFAULT now())
-- then
INSERT INTO loyalty (customer_id, points) SELECT customer_id, count(*)::int FROM orders GROUP BY 1
-- then
CREATE INDEX ON loyalty (points)
-- then
SELECT sum(points) FROM loyalty
-- then
ROLLBACK

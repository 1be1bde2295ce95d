-- same: rows
BEGIN
-- then
CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at)
-- then
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
-- then
INSERT INTO events VALUES ('2026-05-01', 'x')
-- then
SELECT tableoid::regclass, what FROM events
-- then
ROLLBACK

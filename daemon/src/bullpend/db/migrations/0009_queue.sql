-- What people decide about the queue: pauses, and places other than the order of acceptance.
CREATE TABLE queue (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  paused INTEGER NOT NULL
) STRICT;
INSERT INTO queue VALUES (1, 0);
ALTER TABLE runs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
-- Where a job stands among those of its project; null is its id.
ALTER TABLE jobs ADD COLUMN place REAL;

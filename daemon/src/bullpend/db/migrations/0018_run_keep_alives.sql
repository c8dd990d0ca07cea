-- How long a run's model stays in memory after each of its jobs, where its request said so.
CREATE TABLE run_keep_alives (
  run_id  INTEGER PRIMARY KEY REFERENCES runs (id),
  seconds REAL NOT NULL CHECK (seconds >= 0)
) STRICT;

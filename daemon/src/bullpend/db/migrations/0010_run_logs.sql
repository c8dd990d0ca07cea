-- Runs that were made of logs: the digest of the log's content, so that the same log gives the same run.
CREATE TABLE ingested (
  project TEXT NOT NULL,
  digest  TEXT NOT NULL,
  run_id  INTEGER NOT NULL REFERENCES runs (id),
  PRIMARY KEY (project, digest)
) STRICT, WITHOUT ROWID;

-- The hash of a picture that a log tells of and that may not be there; empty where the asset has it.
ALTER TABLE candidates ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';

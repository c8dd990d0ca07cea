-- Exports: what was asked for (a packed ExportSpec), how far each is, and what it holds (a packed Export with its
-- figures and what was left out). `draft` is the unfinished file beside the destination; `sha256` is written before the
-- finished one gets its name, so that a daemon that dies in between knows it again.
CREATE TABLE exports (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL REFERENCES projects (slug),
  number      INTEGER NOT NULL,
  slug        TEXT NOT NULL,
  state       TEXT NOT NULL,
  spec        BLOB NOT NULL,
  path        TEXT NOT NULL,
  draft       TEXT NOT NULL DEFAULT '',
  told        BLOB NOT NULL,
  size_bytes  INTEGER NOT NULL DEFAULT 0,
  sha256      TEXT NOT NULL DEFAULT '',
  error       TEXT NOT NULL DEFAULT '',
  create_time REAL NOT NULL,
  start_time  REAL,
  end_time    REAL,
  revision    INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;
CREATE INDEX exports_open ON exports (id) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX exports_by_content ON exports (sha256) WHERE sha256 <> '';
-- Ids are not given twice, also where the newest export was forgotten.
ALTER TABLE projects ADD COLUMN next_export INTEGER NOT NULL DEFAULT 1;

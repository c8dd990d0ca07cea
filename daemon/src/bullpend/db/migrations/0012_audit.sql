-- Who changed what: one entry for each event that a call emitted, in the same transaction, and one for each other call
-- that changed something. Digests are SHA-256 over payloads of the journal.
CREATE TABLE audit_entries (
  id            INTEGER PRIMARY KEY,
  time          REAL NOT NULL,
  actor         TEXT NOT NULL,
  client        TEXT NOT NULL,
  method        TEXT NOT NULL,
  project       TEXT NOT NULL,
  subject       TEXT NOT NULL,
  kind          TEXT NOT NULL,
  before_digest TEXT NOT NULL,
  after_digest  TEXT NOT NULL,
  revision      INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_entries_by_project ON audit_entries (project, id);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject, id);
-- What a resource was before, for the entry of its next change.
CREATE INDEX journal_by_subject ON journal (subject, revision);

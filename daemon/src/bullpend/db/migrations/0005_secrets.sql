-- Secrets, encrypted (AES-256-GCM) under the master key `key_id`, which is not in this file. `content` ends with its tag.
CREATE TABLE secrets (
  id          INTEGER PRIMARY KEY,
  slug        TEXT NOT NULL UNIQUE,
  version     INTEGER NOT NULL,
  key_id      TEXT NOT NULL,
  nonce       BLOB NOT NULL,
  content     BLOB NOT NULL,
  create_time REAL NOT NULL,
  update_time REAL NOT NULL,
  revision    INTEGER NOT NULL
) STRICT;

-- Instructions that the external agent carries out, and how far handing each over has come.
ALTER TABLE instructions ADD COLUMN executor TEXT NOT NULL DEFAULT 'DAEMON';
-- What is shown of the dispatch: a packed InstructionDispatch, made from the row below.
ALTER TABLE instructions ADD COLUMN dispatch BLOB NOT NULL DEFAULT x'';
CREATE TABLE dispatches (
  instruction_id INTEGER PRIMARY KEY REFERENCES instructions (id),
  key            TEXT NOT NULL UNIQUE,
  state          TEXT NOT NULL,
  url            TEXT NOT NULL,
  -- SHA-256 of the callback's token; the token itself is nowhere.
  token_digest   TEXT NOT NULL DEFAULT '',
  deliveries     INTEGER NOT NULL DEFAULT 0,
  answer         TEXT NOT NULL DEFAULT '',
  answered_by    TEXT NOT NULL DEFAULT '',
  send_time      REAL,
  answer_time    REAL,
  expire_time    REAL NOT NULL
) STRICT;
CREATE INDEX dispatches_by_token ON dispatches (token_digest) WHERE token_digest <> '';

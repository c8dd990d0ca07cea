-- The ledger: one line for each piece of work, under a key of its own. Money is in millionths of the currency's unit;
-- `day` is in UTC. Lines are added and, where the outcome was unknown, settled once; nothing is taken away.
CREATE TABLE cost_events (
  id                INTEGER PRIMARY KEY,
  key               TEXT NOT NULL UNIQUE,
  time              REAL NOT NULL,
  day               TEXT NOT NULL,
  project           TEXT NOT NULL,
  run               TEXT NOT NULL,
  subject           TEXT NOT NULL,
  stage             TEXT NOT NULL,
  source            TEXT NOT NULL,
  provider          TEXT NOT NULL,
  account           TEXT NOT NULL,
  model             TEXT NOT NULL,
  operation         TEXT NOT NULL,
  device            TEXT NOT NULL,
  device_seconds    REAL NOT NULL,
  estimated_seconds REAL,
  outcome           TEXT NOT NULL CHECK (outcome IN ('FREE', 'CHARGED', 'UNKNOWN')),
  currency          TEXT NOT NULL,
  amount_micros     INTEGER CHECK (amount_micros >= 0),
  estimate_micros   INTEGER CHECK (estimate_micros >= 0),
  units             TEXT NOT NULL,
  note              TEXT NOT NULL,
  settle_time       REAL
) STRICT;
CREATE INDEX cost_events_by_project ON cost_events (project, id);
CREATE INDEX cost_events_by_run ON cost_events (run, id) WHERE run <> '';
-- What counts against a limit of money is looked up before each paid run.
CREATE INDEX cost_events_of_money ON cost_events (project, currency) WHERE currency <> '';

-- What a run was expected to cost when it was made, for each of its candidates; what is still to be made counts as
-- promised while the run goes on.
CREATE TABLE run_estimates (
  run          TEXT PRIMARY KEY,
  seconds_each REAL,
  provider     TEXT NOT NULL,
  currency     TEXT NOT NULL,
  micros_each  INTEGER NOT NULL CHECK (micros_each >= 0)
) STRICT, WITHOUT ROWID;

-- Plans that cost money and were shown: each is good for one run (`used_by`), until its time is over.
CREATE TABLE spend_offers (
  project       TEXT NOT NULL,
  digest        TEXT NOT NULL,
  currency      TEXT NOT NULL,
  amount_micros INTEGER NOT NULL CHECK (amount_micros >= 0),
  offer_time    REAL NOT NULL,
  expire_time   REAL NOT NULL,
  used_by       TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (project, digest)
) STRICT, WITHOUT ROWID;

-- What a project may spend at most; NULL sets no limit.
CREATE TABLE project_limits (
  project          TEXT PRIMARY KEY REFERENCES projects (slug),
  currency         TEXT NOT NULL,
  run_cap_micros   INTEGER CHECK (run_cap_micros >= 0),
  total_cap_micros INTEGER CHECK (total_cap_micros >= 0),
  update_time      REAL NOT NULL,
  revision         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

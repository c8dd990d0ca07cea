-- The journal: every durable change, in order. `payload` is a serialized bullpen.v1.Event without revision and time.
CREATE TABLE journal (
  revision INTEGER PRIMARY KEY AUTOINCREMENT,
  time     REAL NOT NULL,
  project  TEXT NOT NULL,
  subject  TEXT NOT NULL,
  kind     TEXT NOT NULL,
  payload  BLOB NOT NULL
) STRICT;
CREATE INDEX journal_by_project ON journal (project, revision);

-- Answers to requests that carried a request_id: a repeated request gives the same answer.
CREATE TABLE requests (
  request_id TEXT PRIMARY KEY,
  method     TEXT NOT NULL,
  digest     TEXT NOT NULL,
  answer     TEXT NOT NULL,
  time       REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
  id          INTEGER PRIMARY KEY,
  slug        TEXT NOT NULL UNIQUE,
  title       TEXT NOT NULL,
  story       TEXT NOT NULL,
  storage     TEXT NOT NULL,
  create_time REAL NOT NULL,
  update_time REAL NOT NULL,
  next_run    INTEGER NOT NULL DEFAULT 1,
  revision    INTEGER NOT NULL
) STRICT;

CREATE TABLE style_guides (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL REFERENCES projects (slug),
  slug        TEXT NOT NULL,
  title       TEXT NOT NULL,
  description TEXT NOT NULL,
  variables   TEXT NOT NULL,
  anchors     TEXT NOT NULL,
  create_time REAL NOT NULL,
  revision    INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

CREATE TABLE characters (
  id           INTEGER PRIMARY KEY,
  project      TEXT NOT NULL REFERENCES projects (slug),
  slug         TEXT NOT NULL,
  title        TEXT NOT NULL,
  description  TEXT NOT NULL,
  "references" TEXT NOT NULL,
  create_time  REAL NOT NULL,
  revision     INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

CREATE TABLE assets (
  id           INTEGER PRIMARY KEY,
  project      TEXT NOT NULL REFERENCES projects (slug),
  slug         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  mime_type    TEXT NOT NULL,
  size_bytes   INTEGER NOT NULL,
  width        INTEGER NOT NULL,
  height       INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  origin       TEXT NOT NULL,
  licence      TEXT NOT NULL,
  tags         TEXT NOT NULL,
  rating       INTEGER NOT NULL,
  derived_from TEXT NOT NULL,
  create_time  REAL NOT NULL,
  revision     INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

CREATE TABLE scenes (
  id           INTEGER PRIMARY KEY,
  project      TEXT NOT NULL REFERENCES projects (slug),
  slug         TEXT NOT NULL,
  title        TEXT NOT NULL,
  description  TEXT NOT NULL,
  source_asset TEXT NOT NULL,
  variables    TEXT NOT NULL,
  characters   TEXT NOT NULL,
  ordinal      INTEGER NOT NULL,
  create_time  REAL NOT NULL,
  revision     INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;
CREATE INDEX scenes_by_order ON scenes (project, ordinal, id);

CREATE TABLE runs (
  id              INTEGER PRIMARY KEY,
  project         TEXT NOT NULL REFERENCES projects (slug),
  slug            TEXT NOT NULL,
  stage           TEXT NOT NULL,
  state           TEXT NOT NULL,
  spec            BLOB NOT NULL,
  plan_digest     TEXT NOT NULL,
  model           TEXT NOT NULL,
  model_path      TEXT NOT NULL,
  model_family    TEXT NOT NULL,
  model_digest    TEXT NOT NULL,
  plan            TEXT NOT NULL,
  steps           INTEGER NOT NULL,
  guidance_scale  REAL NOT NULL,
  image_guidance_scale REAL NOT NULL,
  width           INTEGER NOT NULL,
  height          INTEGER NOT NULL,
  seed            INTEGER NOT NULL,
  acceptance      TEXT NOT NULL,
  priority        INTEGER NOT NULL,
  parent_run      TEXT NOT NULL,
  create_time     REAL NOT NULL,
  start_time      REAL,
  end_time        REAL,
  jobs            INTEGER NOT NULL,
  jobs_done       INTEGER NOT NULL DEFAULT 0,
  jobs_failed     INTEGER NOT NULL DEFAULT 0,
  jobs_canceled   INTEGER NOT NULL DEFAULT 0,
  candidates      INTEGER NOT NULL,
  candidates_done INTEGER NOT NULL DEFAULT 0,
  qa_measured     INTEGER NOT NULL DEFAULT 0,
  qa_passed       INTEGER NOT NULL DEFAULT 0,
  accepted        INTEGER NOT NULL DEFAULT 0,
  device_seconds  REAL NOT NULL DEFAULT 0,
  log_path        TEXT NOT NULL DEFAULT '',
  error           TEXT NOT NULL DEFAULT '',
  revision        INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;
CREATE INDEX runs_active ON runs (state) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX runs_without_log ON runs (id) WHERE end_time IS NOT NULL AND log_path = '';

CREATE TABLE jobs (
  id              INTEGER PRIMARY KEY,
  run_id          INTEGER NOT NULL REFERENCES runs (id),
  name            TEXT NOT NULL UNIQUE,
  state           TEXT NOT NULL,
  scene           TEXT NOT NULL,
  source_asset    TEXT NOT NULL,
  source_path     TEXT NOT NULL,
  source_sha256   TEXT NOT NULL,
  source_key      TEXT NOT NULL,
  prompt          TEXT NOT NULL,
  negative_prompt TEXT NOT NULL,
  attempt         INTEGER NOT NULL DEFAULT 0,
  strikes         INTEGER NOT NULL DEFAULT 0,
  device          TEXT NOT NULL DEFAULT '',
  error           TEXT NOT NULL DEFAULT '',
  create_time     REAL NOT NULL,
  start_time      REAL,
  end_time        REAL,
  revision        INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_run ON jobs (run_id, id);
CREATE INDEX jobs_open ON jobs (id) WHERE state IN ('QUEUED', 'RUNNING');

CREATE TABLE candidates (
  id              INTEGER PRIMARY KEY,
  job_id          INTEGER NOT NULL REFERENCES jobs (id),
  run_id          INTEGER NOT NULL REFERENCES runs (id),
  name            TEXT NOT NULL UNIQUE,
  state           TEXT NOT NULL,
  seed            INTEGER NOT NULL,
  asset           TEXT NOT NULL DEFAULT '',
  hard_failures   INTEGER,
  quality         TEXT NOT NULL DEFAULT '',
  rank            INTEGER NOT NULL DEFAULT 0,
  rank_reason     TEXT NOT NULL DEFAULT '',
  accepted        INTEGER NOT NULL DEFAULT 0,
  accept_reason   TEXT NOT NULL DEFAULT '',
  by_hand         INTEGER NOT NULL DEFAULT 0,
  device_seconds  REAL NOT NULL DEFAULT 0,
  changes         TEXT NOT NULL DEFAULT '[]',
  recipe          TEXT NOT NULL DEFAULT '',
  end_time        REAL,
  revision        INTEGER NOT NULL
) STRICT;
CREATE INDEX candidates_by_job ON candidates (job_id, id);
CREATE INDEX candidates_by_run ON candidates (run_id, id);

-- The picture that a stage ended with for a scene.
CREATE TABLE accepted (
  project   TEXT NOT NULL,
  scene     TEXT NOT NULL,
  stage     TEXT NOT NULL,
  candidate TEXT NOT NULL,
  asset     TEXT NOT NULL,
  reason    TEXT NOT NULL,
  by_hand   INTEGER NOT NULL,
  time      REAL NOT NULL,
  PRIMARY KEY (project, scene, stage)
) STRICT, WITHOUT ROWID;

-- What pictures took on this machine, for estimates.
CREATE TABLE timings (
  model        TEXT NOT NULL,
  device       TEXT NOT NULL,
  samples      INTEGER NOT NULL,
  step_seconds REAL NOT NULL,
  PRIMARY KEY (model, device)
) STRICT, WITHOUT ROWID;

-- How long models stay in memory where it is not the default, by name.
CREATE TABLE model_keepings (
  model      TEXT PRIMARY KEY,
  pinned     INTEGER NOT NULL CHECK (pinned IN (0, 1)),
  keep_alive REAL CHECK (keep_alive >= 0)
) STRICT, WITHOUT ROWID;

-- The most that a model's jobs took of a device's memory beside the weights, by the size of the picture.
CREATE TABLE model_footprints (
  digest        TEXT NOT NULL,
  device_kind   TEXT NOT NULL,
  pixels        INTEGER NOT NULL CHECK (pixels > 0),
  working_bytes INTEGER NOT NULL CHECK (working_bytes > 0),
  PRIMARY KEY (digest, device_kind, pixels)
) STRICT, WITHOUT ROWID;

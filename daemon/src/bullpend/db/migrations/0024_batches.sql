-- What a step took for one picture in batches of each size: what pays is used.
CREATE TABLE batch_times (
  model        TEXT NOT NULL,
  device       TEXT NOT NULL,
  pixels       INTEGER NOT NULL CHECK (pixels > 0),
  batch        INTEGER NOT NULL CHECK (batch > 0),
  samples      INTEGER NOT NULL,
  step_seconds REAL NOT NULL,
  PRIMARY KEY (model, device, pixels, batch)
) WITHOUT ROWID;

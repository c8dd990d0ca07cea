-- What a denoising step took, by what decides it; plans take their times from here.
CREATE TABLE step_times (
  model        TEXT NOT NULL,
  device       TEXT NOT NULL,
  strategy     TEXT NOT NULL,
  pixels       INTEGER NOT NULL CHECK (pixels > 0),
  samples      INTEGER NOT NULL,
  step_seconds REAL NOT NULL,
  size_bytes   INTEGER NOT NULL,
  PRIMARY KEY (model, device, strategy, pixels)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_times_by_device ON step_times (device);
-- Bytes of the model's weights; 0 for runs from before it was kept.
ALTER TABLE runs ADD COLUMN model_bytes INTEGER NOT NULL DEFAULT 0;

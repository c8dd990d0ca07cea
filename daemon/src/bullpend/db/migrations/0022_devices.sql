-- What a person decided about devices: their use where it is not that of the settings, and runs that one device alone
-- may take.
CREATE TABLE device_uses (
  device TEXT PRIMARY KEY,
  use    TEXT NOT NULL CHECK (use IN ('all', 'bound', 'none'))
) STRICT, WITHOUT ROWID;
CREATE TABLE run_devices (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id),
  device TEXT NOT NULL
) STRICT;

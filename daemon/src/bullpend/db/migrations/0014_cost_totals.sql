-- Sums of the ledger by day and run, so that a long one need not be read to be summed up; `last_id` is the newest line.
CREATE TABLE cost_totals (
  project           TEXT NOT NULL,
  run               TEXT NOT NULL,
  day               TEXT NOT NULL,
  stage             TEXT NOT NULL,
  provider          TEXT NOT NULL,
  model             TEXT NOT NULL,
  currency          TEXT NOT NULL,
  events            INTEGER NOT NULL,
  device_seconds    REAL NOT NULL,
  estimated_seconds REAL NOT NULL,
  compared_seconds  REAL NOT NULL,
  charged           INTEGER NOT NULL,
  estimated         INTEGER NOT NULL,
  unknown           INTEGER NOT NULL,
  charged_events    INTEGER NOT NULL,
  unknown_events    INTEGER NOT NULL,
  last_id           INTEGER NOT NULL,
  PRIMARY KEY (project, run, day, stage, provider, model, currency)
) STRICT, WITHOUT ROWID;

INSERT INTO cost_totals
SELECT project, run, day, stage, provider, model, currency, count(*), sum(device_seconds),
  sum(coalesce(estimated_seconds, 0.0)), sum(iif(estimated_seconds IS NULL, 0.0, device_seconds)),
  sum(coalesce(amount_micros, 0)), sum(iif(outcome = 'CHARGED', coalesce(estimate_micros, 0), 0)),
  sum(iif(outcome = 'UNKNOWN', estimate_micros, 0)), sum(outcome = 'CHARGED'), sum(outcome = 'UNKNOWN'), max(id)
FROM cost_events GROUP BY project, run, day, stage, provider, model, currency;

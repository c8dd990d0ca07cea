-- Requests to providers that charge for them: written down before they are sent, kept for ever. `confirmation` is what
-- one consent covers; money is in millionths of the currency's unit.
CREATE TABLE paid_requests (
  id                  INTEGER PRIMARY KEY,
  slug                TEXT NOT NULL UNIQUE,
  idempotency_key     TEXT NOT NULL UNIQUE,
  confirmation        TEXT NOT NULL,
  state               TEXT NOT NULL CHECK (state IN ('PREPARED', 'SENT', 'ANSWERED', 'FAILED', 'UNKNOWN')),
  provider            TEXT NOT NULL,
  account             TEXT NOT NULL,
  model               TEXT NOT NULL,
  operation           TEXT NOT NULL,
  project             TEXT NOT NULL,
  run                 TEXT NOT NULL,
  stage               TEXT NOT NULL,
  subject             TEXT NOT NULL,
  payload_sha256      TEXT NOT NULL,
  currency            TEXT NOT NULL,
  estimate_micros     INTEGER NOT NULL CHECK (estimate_micros >= 0),
  charged             INTEGER CHECK (charged IN (0, 1)),
  actual_micros       INTEGER NOT NULL DEFAULT 0 CHECK (actual_micros >= 0),
  units               TEXT NOT NULL DEFAULT '{}',
  provider_request_id TEXT NOT NULL DEFAULT '',
  http_status         INTEGER NOT NULL DEFAULT 0,
  sendings            INTEGER NOT NULL DEFAULT 0,
  answer_kept         INTEGER NOT NULL DEFAULT 0,
  reason              TEXT NOT NULL DEFAULT '',
  message             TEXT NOT NULL DEFAULT '',
  resolution          TEXT NOT NULL DEFAULT '',
  resolution_note     TEXT NOT NULL DEFAULT '',
  create_time         REAL NOT NULL,
  send_time           REAL,
  end_time            REAL
) STRICT;
CREATE INDEX paid_requests_by_confirmation ON paid_requests (confirmation, id);
CREATE INDEX paid_requests_open ON paid_requests (run, id) WHERE state IN ('PREPARED', 'SENT', 'UNKNOWN');
CREATE INDEX paid_requests_kept ON paid_requests (end_time) WHERE answer_kept = 1;

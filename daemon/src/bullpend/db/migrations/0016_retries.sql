-- A job that makes the picture of another one again, because of what was found in it: which, why and with what changed.
-- `sampling` is JSON with what differs from the run's; empty where nothing does.
ALTER TABLE jobs ADD COLUMN parent_job TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN retry_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN sampling TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_parent ON jobs (parent_job) WHERE parent_job != '';

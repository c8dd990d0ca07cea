-- What a job starts from: `scene` for the scene's own picture, else the name of a candidate, empty where it is not known;
-- and its line of descent among the pictures of the scene.
ALTER TABLE jobs ADD COLUMN starts_from TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN branch INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_by_scene ON jobs (scene, id) WHERE scene != '';
CREATE INDEX jobs_by_source ON jobs (source_asset);
CREATE INDEX candidates_by_asset ON candidates (asset) WHERE asset != '';

-- Why a picture is out of date, as JSON; empty for one that is current.
ALTER TABLE candidates ADD COLUMN stale TEXT NOT NULL DEFAULT '';

UPDATE jobs SET branch = 1, starts_from = coalesce(
  (SELECT c.name FROM candidates c JOIN jobs p ON p.id = c.job_id
   WHERE p.scene = jobs.scene AND p.scene != '' AND c.asset = jobs.source_asset ORDER BY c.accepted DESC, c.id DESC LIMIT 1),
  (SELECT 'scene' FROM scenes s
   WHERE 'projects/' || s.project || '/scenes/' || s.slug = jobs.scene AND s.source_asset = jobs.source_asset),
  ''
) WHERE scene != '';

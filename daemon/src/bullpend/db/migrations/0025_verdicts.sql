-- Whether a picture was accepted, or another one in its place, as a fact that searches can ask for.
ALTER TABLE assets ADD COLUMN verdict TEXT NOT NULL DEFAULT '';

UPDATE assets SET verdict = 'ACCEPTED'
WHERE 'projects/' || project || '/assets/' || slug IN (SELECT asset FROM candidates WHERE accepted = 1 AND asset != '');

UPDATE assets SET verdict = 'REJECTED'
WHERE verdict = '' AND 'projects/' || project || '/assets/' || slug IN (
  SELECT c.asset FROM candidates c JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = c.run_id
  WHERE c.asset != '' AND c.accepted = 0 AND (
    EXISTS (SELECT 1 FROM candidates o WHERE o.job_id = j.id AND o.accepted = 1)
    OR EXISTS (
      SELECT 1 FROM accepted p WHERE p.project = r.project AND p.stage = r.stage
      AND p.scene = substr(j.scene, length('projects/' || r.project || '/scenes/') + 1)
    )
  )
);

INSERT OR IGNORE INTO asset_facts (project, field, value)
SELECT DISTINCT project, 'is', lower(verdict) FROM assets WHERE verdict != '' AND facts != '';

UPDATE assets SET facts = facts || (
  SELECT f.id FROM asset_facts f WHERE f.project = assets.project AND f.field = 'is' AND f.value = lower(assets.verdict)
) || ' '
WHERE verdict != '' AND facts != '';

-- Whether the sets of bits have these facts, too: the daemon writes them when it starts.
ALTER TABLE asset_index ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;

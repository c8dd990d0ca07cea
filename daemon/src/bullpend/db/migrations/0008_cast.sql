-- What acts on each picture: its LoRAs, as runs have them, and what of the bible was used, as JSON:
-- [{"part", "item", "value", "source"}].
ALTER TABLE jobs ADD COLUMN loras TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN uses TEXT NOT NULL DEFAULT '[]';
UPDATE jobs SET loras = (SELECT loras FROM runs WHERE runs.id = jobs.run_id);

-- The candidate whose file a replay makes again, to the byte; empty for a picture of its own.
ALTER TABLE candidates ADD COLUMN repeats TEXT NOT NULL DEFAULT '';

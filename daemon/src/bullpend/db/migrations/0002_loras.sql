-- The LoRAs that act on a run's model, as JSON: [{"name", "digest", "scale"}], in their order.
ALTER TABLE runs ADD COLUMN loras TEXT NOT NULL DEFAULT '[]';

-- How the pictures of a run are made, and what each is made with beside its source; empty: by the model's own way.
ALTER TABLE runs ADD COLUMN method TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN inputs TEXT NOT NULL DEFAULT '';

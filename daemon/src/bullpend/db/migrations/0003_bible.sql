-- The bible is kept whole: what was changed last, what lies in the trash, and more of every kind.
ALTER TABLE style_guides ADD COLUMN update_time REAL NOT NULL DEFAULT 0;
ALTER TABLE style_guides ADD COLUMN delete_time REAL;
ALTER TABLE style_guides ADD COLUMN reference_set TEXT NOT NULL DEFAULT '';
UPDATE style_guides SET update_time = create_time;

ALTER TABLE characters ADD COLUMN update_time REAL NOT NULL DEFAULT 0;
ALTER TABLE characters ADD COLUMN delete_time REAL;
ALTER TABLE characters ADD COLUMN profile TEXT NOT NULL DEFAULT '';
ALTER TABLE characters ADD COLUMN prompt TEXT NOT NULL DEFAULT '';
ALTER TABLE characters ADD COLUMN negative_prompt TEXT NOT NULL DEFAULT '';
ALTER TABLE characters ADD COLUMN looks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE characters ADD COLUMN loras TEXT NOT NULL DEFAULT '[]';
ALTER TABLE characters ADD COLUMN reference_set TEXT NOT NULL DEFAULT '';
UPDATE characters SET update_time = create_time;

ALTER TABLE scenes ADD COLUMN update_time REAL NOT NULL DEFAULT 0;
ALTER TABLE scenes ADD COLUMN delete_time REAL;
ALTER TABLE scenes ADD COLUMN looks TEXT NOT NULL DEFAULT '{}';
UPDATE scenes SET update_time = create_time;

CREATE TABLE reference_sets (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL REFERENCES projects (slug),
  slug        TEXT NOT NULL,
  title       TEXT NOT NULL,
  description TEXT NOT NULL,
  purpose     TEXT NOT NULL,
  items       TEXT NOT NULL,
  create_time REAL NOT NULL,
  update_time REAL NOT NULL,
  delete_time REAL,
  revision    INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

CREATE TABLE prompt_templates (
  id            INTEGER PRIMARY KEY,
  project       TEXT NOT NULL REFERENCES projects (slug),
  slug          TEXT NOT NULL,
  title         TEXT NOT NULL,
  description   TEXT NOT NULL,
  stage         TEXT NOT NULL,
  text          TEXT NOT NULL,
  negative_text TEXT NOT NULL,
  variables     TEXT NOT NULL,
  create_time   REAL NOT NULL,
  update_time   REAL NOT NULL,
  delete_time   REAL,
  revision      INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

-- `secret_names` holds names of secrets, never their values.
CREATE TABLE provider_accounts (
  id            INTEGER PRIMARY KEY,
  project       TEXT NOT NULL REFERENCES projects (slug),
  slug          TEXT NOT NULL,
  title         TEXT NOT NULL,
  description   TEXT NOT NULL,
  provider      TEXT NOT NULL,
  base_url      TEXT NOT NULL,
  default_model TEXT NOT NULL,
  secret_names  TEXT NOT NULL,
  create_time   REAL NOT NULL,
  update_time   REAL NOT NULL,
  delete_time   REAL,
  revision      INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

-- The bucket of a project, as JSON: {} where none was named.
ALTER TABLE projects ADD COLUMN s3 TEXT NOT NULL DEFAULT '{}';

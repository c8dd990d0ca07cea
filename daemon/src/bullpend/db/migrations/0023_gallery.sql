-- The gallery: what a person says of an asset, how it was made, and an index that answers any search at once.
ALTER TABLE assets ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN update_time REAL;
ALTER TABLE assets ADD COLUMN delete_time REAL;
ALTER TABLE assets ADD COLUMN purge_time REAL;
ALTER TABLE assets ADD COLUMN candidate TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN run TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN stage TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN scene TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN characters TEXT NOT NULL DEFAULT '[]';
ALTER TABLE assets ADD COLUMN prompt TEXT NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;
-- Ids of the asset's facts, with a blank before and after each; empty for one that is not in the index yet.
ALTER TABLE assets ADD COLUMN facts TEXT NOT NULL DEFAULT '';
CREATE INDEX assets_not_indexed ON assets (id) WHERE facts = '';

-- What can be asked for by a field: each value once.
CREATE TABLE asset_facts (
  id      INTEGER PRIMARY KEY,
  project TEXT NOT NULL,
  field   TEXT NOT NULL,
  value   TEXT NOT NULL,
  UNIQUE (project, field, value)
) STRICT;

-- Which assets have a fact: bit n of a block is the asset with the id 2048 × block + n. Empty bytes at the ends are left
-- out; `first` is the number of those before.
CREATE TABLE asset_blocks (
  fact  INTEGER NOT NULL,
  block INTEGER NOT NULL,
  first INTEGER NOT NULL,
  bits  BLOB NOT NULL,
  PRIMARY KEY (fact, block)
) STRICT, WITHOUT ROWID;

-- Assets with an id below `sealed` are in blocks, newer ones in their own rows; `edits` counts changes of words.
CREATE TABLE asset_index (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  sealed INTEGER NOT NULL,
  edits  INTEGER NOT NULL
) STRICT;
INSERT INTO asset_index VALUES (1, 0, 0);

CREATE VIRTUAL TABLE asset_words USING fts5 (
  prompt, name, about, note, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- What was made of an asset; `parent` is its id in names.
CREATE TABLE asset_children (
  project TEXT NOT NULL,
  parent  TEXT NOT NULL,
  child   INTEGER NOT NULL,
  PRIMARY KEY (project, parent, child)
) STRICT, WITHOUT ROWID;

-- Assets whose sidecars are older than their rows.
CREATE TABLE sidecars_due (
  asset INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE saved_searches (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL REFERENCES projects (slug),
  slug        TEXT NOT NULL,
  title       TEXT NOT NULL,
  filter      TEXT NOT NULL,
  create_time REAL NOT NULL,
  update_time REAL NOT NULL,
  revision    INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;

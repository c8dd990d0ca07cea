-- How a picture was made, as its own file told it when it was taken in. `content` is the whole as JSON; prompt and model
-- stand beside it for searching.
CREATE TABLE recipes (
  project     TEXT NOT NULL REFERENCES projects (slug),
  slug        TEXT NOT NULL,
  program     TEXT NOT NULL,
  prompt      TEXT NOT NULL,
  model       TEXT NOT NULL,
  content     TEXT NOT NULL,
  create_time REAL NOT NULL,
  PRIMARY KEY (project, slug)
) STRICT, WITHOUT ROWID;

-- Conversations about a project. `parts` of a message is a serialized bullpen.v1.ChatMessage that has parts only.
CREATE TABLE chat_sessions (
  id          INTEGER PRIMARY KEY,
  project     TEXT NOT NULL REFERENCES projects (slug),
  number      INTEGER NOT NULL,
  slug        TEXT NOT NULL,
  title       TEXT NOT NULL,
  engine      TEXT NOT NULL,
  sampling    TEXT NOT NULL,
  messages    INTEGER NOT NULL DEFAULT 0,
  asked       TEXT NOT NULL DEFAULT '',
  create_time REAL NOT NULL,
  update_time REAL NOT NULL,
  delete_time REAL,
  revision    INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;
CREATE INDEX chat_sessions_by_use ON chat_sessions (project, update_time, id);

CREATE TABLE chat_messages (
  id          INTEGER PRIMARY KEY,
  session_id  INTEGER NOT NULL REFERENCES chat_sessions (id),
  number      INTEGER NOT NULL,
  role        TEXT NOT NULL,
  state       TEXT NOT NULL,
  parts       BLOB NOT NULL,
  engine      TEXT NOT NULL DEFAULT '',
  create_time REAL NOT NULL,
  end_time    REAL,
  revision    INTEGER NOT NULL,
  UNIQUE (session_id, number)
) STRICT;
CREATE INDEX chat_messages_writing ON chat_messages (id) WHERE state = 'WRITING';
CREATE VIRTUAL TABLE chat_words USING fts5 (words, content='');

-- Prompts as they were, each at one moment; none is ever changed.
CREATE TABLE prompts (
  id            INTEGER PRIMARY KEY,
  project       TEXT NOT NULL REFERENCES projects (slug),
  number        INTEGER NOT NULL,
  slug          TEXT NOT NULL,
  kind          TEXT NOT NULL,
  text          TEXT NOT NULL,
  negative_text TEXT NOT NULL,
  model         TEXT NOT NULL,
  family        TEXT NOT NULL,
  parent_prompt TEXT NOT NULL,
  notes         TEXT NOT NULL,
  create_time   REAL NOT NULL,
  revision      INTEGER NOT NULL,
  UNIQUE (project, slug)
) STRICT;
CREATE INDEX prompts_by_project ON prompts (project, id);
CREATE VIRTUAL TABLE prompt_words USING fts5 (words, content='');

-- +goose Up
-- What developers say of their own records, as they wrote it.
CREATE TABLE preferences (
  developer TEXT PRIMARY KEY,
  body BYTEA NOT NULL,
  set_at BIGINT NOT NULL
);

-- Records that their developers call wrong or sensitive; seen_at is 0 until a steward has seen to it.
CREATE TABLE flags (
  episode TEXT PRIMARY KEY,
  why TEXT NOT NULL,
  at BIGINT NOT NULL,
  seen_by TEXT NOT NULL,
  seen_at BIGINT NOT NULL
);
CREATE INDEX flags_open ON flags (seen_at, at);

-- Rules that approve nothing any more until a steward says so: a record that was drawn from theirs was refused.
CREATE TABLE stopped_rules (
  recipient TEXT NOT NULL,
  rule TEXT NOT NULL,
  why TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (recipient, rule)
);

-- In how many records each kind of finding and each field has been seen, and each repository and developer, these as keyed
-- digests.
CREATE TABLE known (
  what TEXT NOT NULL,
  name TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (what, name)
);

DROP INDEX episodes_developer;
CREATE INDEX episodes_developer ON episodes (developer, started_at, id);

-- A person rules on rows by their digests.
CREATE INDEX outbound_digest ON outbound (digest);

-- +goose Down
DROP INDEX outbound_digest;
DROP INDEX episodes_developer;
CREATE INDEX episodes_developer ON episodes (developer);
DROP TABLE known;
DROP TABLE stopped_rules;
DROP TABLE flags;
DROP TABLE preferences;

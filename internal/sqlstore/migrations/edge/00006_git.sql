-- +goose Up
-- The lines that an episode suggests, as fingerprints under the join key, sealed; the repository in which lines of it were
-- found, empty while none were; and a digest of what was last told of them.
CREATE TABLE prints (
  episode TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  repository TEXT NOT NULL,
  told TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX prints_at ON prints (at);

-- Repositories that commits are known of, by a keyed digest of their name: the newest commit of the default branch, and
-- when it was last worked out what became of suggestions there (0: it must be again).
CREATE TABLE repositories (
  name TEXT PRIMARY KEY,
  main TEXT NOT NULL,
  followed_at BIGINT NOT NULL
);

-- What commits changed, as fingerprints under the join key, sealed.
CREATE TABLE commits (
  repository TEXT NOT NULL,
  id TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (repository, id)
);
CREATE INDEX commits_made ON commits (made_at);

-- What code forges and test runs say of commits and pull requests, sealed.
CREATE TABLE reports (
  id TEXT PRIMARY KEY,
  repository TEXT NOT NULL,
  at BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX reports_repository ON reports (repository);

-- +goose Down
DROP TABLE reports;
DROP TABLE commits;
DROP TABLE repositories;
DROP TABLE prints;

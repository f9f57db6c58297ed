-- +goose Up
CREATE TABLE contributors (
  name TEXT PRIMARY KEY,
  public_key TEXT NOT NULL,
  token_digest TEXT NOT NULL,
  channel TEXT NOT NULL,
  demo BOOLEAN NOT NULL,
  joined_at BIGINT NOT NULL
);

CREATE TABLE invites (
  code_digest TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL
);

-- The OCI registry's index: what name points at what bytes.
CREATE TABLE manifests (
  repo TEXT NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  artifact_type TEXT NOT NULL,
  subject TEXT NOT NULL,
  size BIGINT NOT NULL,
  annotations TEXT NOT NULL,
  PRIMARY KEY (repo, digest)
);
CREATE INDEX manifests_subject ON manifests (repo, subject);
CREATE TABLE tags (
  repo TEXT NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (repo, tag)
);
CREATE TABLE repo_blobs (
  repo TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (repo, digest)
);

-- Verified bundles; shard names the blob with the records that may be used, less what was withdrawn.
CREATE TABLE admitted (
  bundle TEXT PRIMARY KEY,
  contributor TEXT NOT NULL,
  kind TEXT NOT NULL,
  records BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  shard TEXT NOT NULL,
  seq BIGINT NOT NULL,
  log_index BIGINT NOT NULL,
  receipt BYTEA NOT NULL,
  admitted_at BIGINT NOT NULL
);

-- Signed documents the hub made: snapshots, gate reports, releases, statements, certificates. id is the digest of its content.
CREATE TABLE documents (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  parent TEXT NOT NULL,
  contributor TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  log_index BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  note TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX documents_seq ON documents (kind, seq);

-- Ids that were taken back: nothing that bears one enters a snapshot again.
CREATE TABLE withdrawn (
  contributor TEXT NOT NULL,
  id TEXT NOT NULL,
  withdrawal TEXT NOT NULL,
  PRIMARY KEY (contributor, id)
);

-- Withdrawals on their way to a certificate; fates say what was done so far.
CREATE TABLE hub_withdrawals (
  id TEXT PRIMARY KEY,
  contributor TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  asked_at BIGINT NOT NULL,
  erased BOOLEAN NOT NULL,
  records BIGINT NOT NULL,
  fates TEXT NOT NULL
);

-- Blobs to be deleted: a crash between the commit and the deletion loses none of them.
CREATE TABLE doomed (
  digest TEXT PRIMARY KEY
);

-- +goose Down
DROP TABLE doomed; DROP TABLE hub_withdrawals; DROP TABLE withdrawn; DROP TABLE documents; DROP TABLE admitted; DROP TABLE repo_blobs; DROP TABLE tags; DROP TABLE manifests;
DROP TABLE invites; DROP TABLE contributors;

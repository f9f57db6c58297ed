-- +goose Up
-- The number of the last payload of each spool (files beside this database) of which rows were made.
CREATE TABLE spools (
  name TEXT PRIMARY KEY,
  done BIGINT NOT NULL
);

-- One key per developer and day; deleting a row makes what it sealed unreadable for ever.
CREATE TABLE vault_keys (
  developer TEXT NOT NULL,
  day BIGINT NOT NULL,
  wrapped BYTEA NOT NULL,
  PRIMARY KEY (developer, day)
);

-- What we know of each episode without opening its seal.
CREATE TABLE episodes (
  id TEXT PRIMARY KEY,
  developer TEXT NOT NULL,
  session TEXT NOT NULL,
  repository TEXT NOT NULL,
  tool TEXT NOT NULL,
  surface TEXT NOT NULL,
  language TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  settle_at BIGINT NOT NULL,
  vault_day BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  steps BIGINT NOT NULL,
  suggestions BIGINT NOT NULL,
  accepted BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  ignored BIGINT NOT NULL,
  cancelled BIGINT NOT NULL,
  timed_out BIGINT NOT NULL,
  outcomes BIGINT NOT NULL,
  state TEXT NOT NULL,
  note TEXT NOT NULL,
  level TEXT NOT NULL,
  title TEXT NOT NULL,
  later BOOLEAN NOT NULL, -- raw holds only what came since the episode was screened
  digest TEXT NOT NULL
);
CREATE INDEX episodes_state ON episodes (state, settle_at);
CREATE INDEX episodes_started ON episodes (started_at);
CREATE INDEX episodes_session ON episodes (session);

-- The raw text of an episode, sealed; no row once it has expired. Apart, because what we know of an episode changes
-- often, and a change writes the whole row.
CREATE TABLE raw (
  episode TEXT PRIMARY KEY,
  sealed BYTEA NOT NULL
);

-- What may leave or has left (state packed), one row for each revision: the journal that withdrawals go by.
CREATE TABLE outbound (
  episode TEXT NOT NULL,
  revision BIGINT NOT NULL,
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  digest TEXT NOT NULL,
  level TEXT NOT NULL,
  rule TEXT NOT NULL,
  findings BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  state TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  bundle TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (episode, revision, recipient)
);
CREATE INDEX outbound_state ON outbound (state, recipient, kind);

-- The exact bytes of a row of outbound.
CREATE TABLE bodies (
  episode TEXT NOT NULL,
  revision BIGINT NOT NULL,
  recipient TEXT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (episode, revision, recipient)
);

CREATE TABLE bundles (
  id TEXT PRIMARY KEY,
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  records BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  state TEXT NOT NULL,
  note TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  receipt BYTEA
);

CREATE TABLE releases (
  id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  model BYTEA NOT NULL,
  gate BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL
);

CREATE TABLE statements (
  id TEXT PRIMARY KEY,
  envelope BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL
);

CREATE TABLE decisions (
  id TEXT PRIMARY KEY,
  release TEXT NOT NULL,
  developer TEXT NOT NULL,
  at BIGINT NOT NULL,
  shown BOOLEAN NOT NULL,
  propensity DOUBLE PRECISION NOT NULL,
  explore BOOLEAN NOT NULL,
  sealed BYTEA NOT NULL
);

CREATE TABLE withdrawals (
  id TEXT PRIMARY KEY,
  session TEXT NOT NULL,
  recipient TEXT NOT NULL,
  records BIGINT NOT NULL,
  state TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at BIGINT NOT NULL,
  envelope BYTEA NOT NULL,
  certificate BYTEA
);

CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

-- +goose Down
DROP TABLE audit; DROP TABLE withdrawals; DROP TABLE decisions; DROP TABLE statements; DROP TABLE releases; 
DROP TABLE bundles; DROP TABLE bodies; DROP TABLE outbound; DROP TABLE raw; DROP TABLE episodes; DROP TABLE vault_keys; DROP TABLE spools;

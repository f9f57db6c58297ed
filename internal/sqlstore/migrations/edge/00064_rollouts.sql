-- +goose Up
-- A release is known by the hub that signed it and its id. approved_by is who has approved it here; back_at says when it was taken back
-- here, for good. What is there stays, and decides nothing until the hub says in a roll-out whom it reaches.
CREATE TABLE releases_of (
  recipient TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  payload BYTEA NOT NULL,
  gate BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL,
  approved_by TEXT NOT NULL DEFAULT '',
  approved_at BIGINT NOT NULL DEFAULT 0,
  back_at BIGINT NOT NULL DEFAULT 0,
  back_why TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (recipient, id)
);
INSERT INTO releases_of (recipient, id, kind, envelope, payload, gate, pulled_at) SELECT recipient, id, 'filter', envelope, model, gate, pulled_at FROM releases;
DROP TABLE releases;
ALTER TABLE releases_of RENAME TO releases;

-- Roll-outs as the hubs signed them, each as it was first seen: none that is lower than the highest counts.
CREATE TABLE rollouts (
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  envelope BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL,
  PRIMARY KEY (recipient, kind, sequence)
);

-- What a person has decided whatever hubs say: a kind is pinned to a release, or, with the kind empty, nothing is taken.
CREATE TABLE brakes (
  kind TEXT PRIMARY KEY,
  recipient TEXT NOT NULL,
  release TEXT NOT NULL,
  who TEXT NOT NULL,
  at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE brakes; DROP TABLE rollouts;
CREATE TABLE releases_before (
  id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  model BYTEA NOT NULL,
  gate BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL,
  recipient TEXT NOT NULL DEFAULT ''
);
DROP TABLE releases;
ALTER TABLE releases_before RENAME TO releases;

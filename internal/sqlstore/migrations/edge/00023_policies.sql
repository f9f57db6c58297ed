-- +goose Up
-- Versions of the policy. What came in force is signed (envelope); base is the version that was in force when one was proposed.
CREATE TABLE policies (
  version BIGINT PRIMARY KEY,
  digest TEXT NOT NULL,
  body TEXT NOT NULL,
  why TEXT NOT NULL,
  base BIGINT NOT NULL,
  looser BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  proposed_by TEXT NOT NULL,
  proposed_at BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  envelope BYTEA
);

-- Who has said yes to a version, and as what.
CREATE TABLE policy_votes (
  version BIGINT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (version, who)
);

-- +goose Down
DROP TABLE policy_votes; DROP TABLE policies;

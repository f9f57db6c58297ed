-- +goose Up
-- What may be counted of episodes for a recipient, until the period that they are of is over: whose they are, what was suggested in which
-- language, and whether it was taken. rule is the one that lets it be.
CREATE TABLE counted (
  recipient TEXT NOT NULL,
  episode TEXT NOT NULL,
  developer TEXT NOT NULL,
  rule TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  counted_at BIGINT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (episode, recipient)
);
CREATE INDEX counted_started ON counted (recipient, started_at);

-- What recipients are told of periods that are over, signed, with noise.
CREATE TABLE counts (
  recipient TEXT NOT NULL,
  period TEXT NOT NULL,
  id TEXT NOT NULL,
  envelope BYTEA NOT NULL,
  state TEXT NOT NULL,
  note TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  PRIMARY KEY (recipient, period)
);

-- +goose Down
DROP TABLE counts;
DROP TABLE counted;

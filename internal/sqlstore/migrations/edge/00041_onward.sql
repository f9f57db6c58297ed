-- +goose Up
-- What hubs have passed on of what left to them, and to whom; key is that one's, document holds the signed word and the proofs as JSON.
CREATE TABLE onward (
  passed TEXT PRIMARY KEY,
  bundle TEXT NOT NULL,
  hub TEXT NOT NULL,
  recipient TEXT NOT NULL,
  recipient_key BYTEA NOT NULL,
  records BIGINT NOT NULL,
  log_index BIGINT NOT NULL,
  document BYTEA NOT NULL,
  told_at BIGINT NOT NULL
);
CREATE INDEX onward_bundle ON onward (bundle);

-- +goose Down
DROP TABLE onward;

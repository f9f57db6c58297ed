-- +goose Up
-- What was or is being entered into the log: since is the log's size before, log_index is -1 until it is known.
CREATE TABLE log_entries (
  kind TEXT NOT NULL,
  digest TEXT NOT NULL,
  since BIGINT NOT NULL,
  log_index BIGINT NOT NULL,
  PRIMARY KEY (kind, digest)
);

-- +goose Down
DROP TABLE log_entries;

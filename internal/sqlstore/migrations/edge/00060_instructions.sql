-- +goose Up
-- Releases of instructions, and what was decided about each. sealed holds what it changes, and, once somebody has said yes, its words and files.
CREATE TABLE instructions (
  id TEXT PRIMARY KEY,
  recipient TEXT NOT NULL,
  state TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  share DOUBLE PRECISION NOT NULL,
  offered_at BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  kept_at BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  note TEXT NOT NULL
);

-- +goose Down
DROP TABLE instructions;

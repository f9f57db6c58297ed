-- +goose Up
-- Files that were made of a snapshot, and who has them: what a certificate calls beyond reach.
CREATE TABLE exports (
  id TEXT PRIMARY KEY,
  snapshot TEXT NOT NULL,
  format TEXT NOT NULL,
  holder TEXT NOT NULL,
  digest TEXT NOT NULL,
  made_at BIGINT NOT NULL
);
CREATE INDEX exports_snapshot ON exports (snapshot);

-- +goose Down
DROP TABLE exports;

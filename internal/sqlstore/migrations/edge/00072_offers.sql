-- +goose Up
-- The last offers of instructions that were seen of each hub: an edge takes no earlier ones.
CREATE TABLE offers_seen (
  recipient TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL
);

-- +goose Down
DROP TABLE offers_seen;

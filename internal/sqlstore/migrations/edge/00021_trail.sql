-- +goose Up
-- The audit trail: each row holds the hash over itself and the hash of the one before.
CREATE TABLE edge_trail (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX edge_trail_who ON edge_trail (who);
CREATE INDEX edge_trail_what ON edge_trail (what);
CREATE INDEX edge_trail_at ON edge_trail (at);

-- Its last row: one row, which whoever appends holds until the commit.
CREATE TABLE edge_trail_head (
  id BIGINT PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash TEXT NOT NULL
);
INSERT INTO edge_trail_head (id, seq, hash) VALUES (1, 0, '');

-- How far it was handed on, by the address of the syslog server.
CREATE TABLE edge_trail_sent (
  server TEXT PRIMARY KEY,
  seq BIGINT NOT NULL
);

-- +goose Down
DROP TABLE edge_trail_sent; DROP TABLE edge_trail_head; DROP TABLE edge_trail;

-- +goose Up
-- The audit trail: each row holds the hash over itself and the hash of the one before.
CREATE TABLE hub_trail (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX hub_trail_who ON hub_trail (who);
CREATE INDEX hub_trail_what ON hub_trail (what);
CREATE INDEX hub_trail_at ON hub_trail (at);

-- Its last row: one row, which whoever appends holds until the commit.
CREATE TABLE hub_trail_head (
  id BIGINT PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash TEXT NOT NULL
);
INSERT INTO hub_trail_head (id, seq, hash) VALUES (1, 0, '');

-- How far it was handed on, by the address of the syslog server.
CREATE TABLE hub_trail_sent (
  server TEXT PRIMARY KEY,
  seq BIGINT NOT NULL
);

-- +goose Down
DROP TABLE hub_trail_sent; DROP TABLE hub_trail_head; DROP TABLE hub_trail;

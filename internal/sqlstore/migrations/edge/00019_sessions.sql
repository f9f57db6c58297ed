-- +goose Up
-- Who is signed in to the pages, by the digest of the secret in their cookie.
CREATE TABLE sessions (
  digest TEXT PRIMARY KEY,
  issuer TEXT NOT NULL, -- empty: a link opened at the machine
  name TEXT NOT NULL,
  person_groups TEXT NOT NULL, -- a JSON list
  opened_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
);

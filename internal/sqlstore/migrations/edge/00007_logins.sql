-- +goose Up
-- When the developer logged in to whom a certificate was issued; 0 where it was issued for a one-time code.
ALTER TABLE devices ADD COLUMN login_at BIGINT NOT NULL DEFAULT 0;

-- Logins that were taken, by digest, until they would no longer be: each is good once.
CREATE TABLE logins (
  digest TEXT PRIMARY KEY,
  expires_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE logins;
ALTER TABLE devices DROP COLUMN login_at;

-- +goose Up
-- What a contributor has sent on a day.
CREATE TABLE usage_days (
  contributor TEXT NOT NULL,
  day TEXT NOT NULL,
  bundles BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (contributor, day)
);

-- Certificates with which a contributor speaks TLS.
CREATE TABLE contributor_certificates (
  serial TEXT PRIMARY KEY,
  contributor TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked BOOLEAN NOT NULL
);

-- Signing keys that count for nothing any more, whoever brings them.
CREATE TABLE revoked_keys (
  public_key TEXT PRIMARY KEY,
  contributor TEXT NOT NULL,
  revoked_at BIGINT NOT NULL
);

-- 0: not revoked. subject is what the tokens of a contributor's workload say who it is.
ALTER TABLE contributors ADD COLUMN revoked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contributors ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE invites ADD COLUMN subject TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE invites DROP COLUMN subject; ALTER TABLE contributors DROP COLUMN subject; ALTER TABLE contributors DROP COLUMN revoked_at;
DROP TABLE revoked_keys; DROP TABLE contributor_certificates; DROP TABLE usage_days;

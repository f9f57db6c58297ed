-- +goose Up
-- One-time codes with which a developer's machine gets its certificate, by digest.
CREATE TABLE device_invites (
  code TEXT PRIMARY KEY,
  developer TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Certificates that were issued to developers' machines.
CREATE TABLE devices (
  serial TEXT PRIMARY KEY,
  developer TEXT NOT NULL,
  machine TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked BOOLEAN NOT NULL
);
CREATE INDEX devices_developer ON devices (developer);

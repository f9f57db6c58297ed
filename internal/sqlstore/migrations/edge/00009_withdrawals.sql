-- +goose Up
-- What a withdrawal takes back, in words; until now always a session.
ALTER TABLE withdrawals RENAME COLUMN session TO scope;
UPDATE withdrawals SET scope = 'session ' || scope;

-- When a bundle was last tried to be sent; 0: not one byte of it has left, and it can still be stopped.
ALTER TABLE bundles ADD COLUMN sent_at BIGINT NOT NULL DEFAULT 0;
UPDATE bundles SET sent_at = created_at;

CREATE INDEX episodes_developer ON episodes (developer);
CREATE INDEX episodes_repository ON episodes (repository);

-- +goose Down
DROP INDEX episodes_repository;
DROP INDEX episodes_developer;
ALTER TABLE bundles DROP COLUMN sent_at;
ALTER TABLE withdrawals RENAME COLUMN scope TO session;

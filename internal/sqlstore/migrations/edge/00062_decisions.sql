-- +goose Up
-- The episode by which a decision of Headrace's own policy was closed; empty: it is open.
ALTER TABLE decisions ADD COLUMN episode TEXT NOT NULL DEFAULT '';
CREATE INDEX decisions_open ON decisions (at) WHERE episode = '';

-- +goose Down
DROP INDEX decisions_open;
ALTER TABLE decisions DROP COLUMN episode;

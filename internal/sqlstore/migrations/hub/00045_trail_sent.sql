-- +goose Up
-- The hash of the last row that was handed on: it shows where rows were cut off since and others written in their place. Empty: not known.
ALTER TABLE hub_trail_sent ADD COLUMN hash TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE hub_trail_sent DROP COLUMN hash;

-- +goose Up
-- Which of several hubs a release or a statement came from. What is there came from the only one; it is fetched again.
ALTER TABLE releases ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
ALTER TABLE statements ADD COLUMN recipient TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE statements DROP COLUMN recipient; ALTER TABLE releases DROP COLUMN recipient;

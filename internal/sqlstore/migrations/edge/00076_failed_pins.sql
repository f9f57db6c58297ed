-- +goose Up
-- When the model of what is pinned failed; 0: it has not. The pin stays until a person takes it off.
ALTER TABLE brakes ADD COLUMN failed BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE brakes DROP COLUMN failed;

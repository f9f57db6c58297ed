-- +goose Up
-- When the first of a bundle's records must be gone by its terms; 0: none must. The default is long ago: the next turn looks.
ALTER TABLE admitted ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 1;
-- Empty for what a contributor takes back, else why the hub itself erases.
ALTER TABLE hub_withdrawals ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE hub_withdrawals DROP COLUMN reason;
ALTER TABLE admitted DROP COLUMN expires_at;

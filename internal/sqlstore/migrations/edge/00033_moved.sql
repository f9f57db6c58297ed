-- +goose Up
-- The turn (outbound_turn) in which a row last came into another state: who decides on a row has seen it since.
ALTER TABLE outbound ADD COLUMN moved BIGINT NOT NULL DEFAULT 0;

-- The version of the policy under which an episode was screened last.
ALTER TABLE episodes ADD COLUMN policy BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE episodes DROP COLUMN policy;
ALTER TABLE outbound DROP COLUMN moved;

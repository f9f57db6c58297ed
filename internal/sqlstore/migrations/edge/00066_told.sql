-- +goose Up
-- What came of a decision of Headrace's own policy, as a person said: taken, passed, or nothing.
ALTER TABLE decisions ADD COLUMN told TEXT NOT NULL DEFAULT '';
CREATE INDEX decisions_at ON decisions (at, id);

-- +goose Down
DROP INDEX decisions_at;
ALTER TABLE decisions DROP COLUMN told;

-- +goose Up
-- What was made of one thing, such as the looks at a release, newest first.
CREATE INDEX documents_parent ON documents (kind, parent, seq);

-- +goose Down
DROP INDEX documents_parent;

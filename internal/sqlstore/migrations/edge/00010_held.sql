-- +goose Up
-- Episodes of which nothing leaves by a rule until a person has looked: a hub found something beside them.
CREATE TABLE held (
  episode TEXT NOT NULL PRIMARY KEY,
  why     TEXT NOT NULL
);

-- +goose Down
DROP TABLE held;

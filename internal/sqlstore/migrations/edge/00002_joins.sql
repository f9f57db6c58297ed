-- +goose Up
-- Which episode a part belongs to that is known by one of the tool's own ids, kept as a keyed digest, or by the id of an
-- episode that turned out to be part of this one ("id:…").
CREATE TABLE joins (
  key TEXT PRIMARY KEY,
  episode TEXT NOT NULL,
  day BIGINT NOT NULL
);
CREATE INDEX joins_day ON joins (day);

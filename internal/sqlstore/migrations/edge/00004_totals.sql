-- +goose Up
-- How much of something a tool counted on a day, by its own metrics: to compare with what was captured. A row without a
-- series holds what was added that day; one with a series, how far a count that only grows had come by its end.
CREATE TABLE totals (
  day BIGINT NOT NULL,
  tool TEXT NOT NULL,
  measure TEXT NOT NULL,
  language TEXT NOT NULL,
  model TEXT NOT NULL,
  series TEXT NOT NULL,
  n DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (day, tool, measure, language, model, series)
);

-- +goose Down
DROP TABLE totals;

-- +goose Up
-- Of an episode's decisions, those on code: what tools' own counts of decisions are compared with.
ALTER TABLE episodes ADD COLUMN code_accepted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN code_rejected BIGINT NOT NULL DEFAULT 0;

-- How far the edge has come with the reports of tools' servers, and what was wrong when it last asked, if anything.
CREATE TABLE polls (
  source TEXT PRIMARY KEY,
  position TEXT NOT NULL,
  polled_at BIGINT NOT NULL,
  problem TEXT NOT NULL,
  problem_at BIGINT NOT NULL
);

-- What a tool's server counted of a team on a day, and how many developers stand behind it. A day is replaced whole when it
-- is asked for again.
CREATE TABLE polled (
  source TEXT NOT NULL,
  day BIGINT NOT NULL,
  tool TEXT NOT NULL,
  team TEXT NOT NULL,
  measure TEXT NOT NULL,
  n DOUBLE PRECISION NOT NULL,
  developers BIGINT NOT NULL,
  PRIMARY KEY (source, day, tool, team, measure)
);

-- Who sent totals of a tool on a day, as keyed digests: how many developers stand behind them.
CREATE TABLE senders (
  day BIGINT NOT NULL,
  tool TEXT NOT NULL,
  sender TEXT NOT NULL,
  PRIMARY KEY (day, tool, sender)
);

-- +goose Down
DROP TABLE senders;
DROP TABLE polled;
DROP TABLE polls;
ALTER TABLE episodes DROP COLUMN code_rejected;
ALTER TABLE episodes DROP COLUMN code_accepted;

-- +goose Up
-- In which order rows came (seq: a row that came later has a higher one), how much there is to look at (rank: the lower, the
-- more), and why; what the filter replaced, by kind; why a row is held; whether it was drawn to be looked at.
ALTER TABLE outbound ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbound ADD COLUMN rank BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbound ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE outbound ADD COLUMN found TEXT NOT NULL DEFAULT '';
ALTER TABLE outbound ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE outbound ADD COLUMN audited BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE outbound SET found = '{"any":' || findings || '}' WHERE findings > 0;
UPDATE outbound SET seq = numbered.n FROM (SELECT episode, revision, recipient,
  ROW_NUMBER() OVER (ORDER BY created_at, episode, revision, recipient) AS n FROM outbound) numbered
 WHERE numbered.episode = outbound.episode AND numbered.revision = outbound.revision AND numbered.recipient = outbound.recipient;
CREATE INDEX outbound_page ON outbound (recipient, state, rank, seq);

-- The number of the last row of outbound. Whoever changes outbound writes it first, so that one change follows the other.
CREATE TABLE outbound_turn (
  one BIGINT PRIMARY KEY,
  n BIGINT NOT NULL
);
INSERT INTO outbound_turn (one, n) SELECT 1, COALESCE(MAX(seq), 0) FROM outbound;

-- What the rows of outbound come to, kept with each change: a page over a million of them does not count them. "what" is
-- records, bytes, flagged (records with a reason to look), or found and a kind.
CREATE TABLE tallies (
  recipient TEXT NOT NULL,
  state TEXT NOT NULL,
  level TEXT NOT NULL,
  what TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (recipient, state, level, what)
);
INSERT INTO tallies (recipient, state, level, what, n) SELECT recipient, state, level, 'records', COUNT(*) FROM outbound GROUP BY recipient, state, level;
INSERT INTO tallies (recipient, state, level, what, n) SELECT recipient, state, level, 'bytes', SUM(bytes) FROM outbound GROUP BY recipient, state, level;
INSERT INTO tallies (recipient, state, level, what, n) SELECT recipient, state, level, 'found any', SUM(findings) FROM outbound GROUP BY recipient, state, level HAVING SUM(findings) > 0;

-- +goose Down
DROP TABLE tallies;
DROP TABLE outbound_turn;
DROP INDEX outbound_page;
ALTER TABLE outbound DROP COLUMN audited;
ALTER TABLE outbound DROP COLUMN note;
ALTER TABLE outbound DROP COLUMN found;
ALTER TABLE outbound DROP COLUMN why;
ALTER TABLE outbound DROP COLUMN rank;
ALTER TABLE outbound DROP COLUMN seq;

-- +goose Up
-- Releases that decide nothing any more here, for good, whether they ever were here or not. own says that this edge took one back, and why in
-- a word; told when its hub was told of that.
CREATE TABLE gone (
  recipient TEXT NOT NULL,
  id TEXT NOT NULL,
  why TEXT NOT NULL,
  at BIGINT NOT NULL,
  own TEXT NOT NULL DEFAULT '',
  told BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (recipient, id)
);
INSERT INTO gone (recipient, id, why, at) SELECT recipient, id, back_why, back_at FROM releases WHERE back_at > 0;
ALTER TABLE releases DROP COLUMN back_at;
ALTER TABLE releases DROP COLUMN back_why;

-- +goose Down
ALTER TABLE releases ADD COLUMN back_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE releases ADD COLUMN back_why TEXT NOT NULL DEFAULT '';
UPDATE releases SET back_at = COALESCE((SELECT at FROM gone WHERE gone.recipient = releases.recipient AND gone.id = releases.id), 0),
  back_why = COALESCE((SELECT why FROM gone WHERE gone.recipient = releases.recipient AND gone.id = releases.id), '');
DROP TABLE gone;

-- +goose Up
-- Roll-outs and offers are numbered by the hub that signs them, which its key tells: one that is set up anew under the same name begins again.
-- signer is the id of that key; empty for what was stored before it was kept.
CREATE TABLE rollouts_by (
  recipient TEXT NOT NULL,
  signer TEXT NOT NULL,
  kind TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  envelope BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL,
  PRIMARY KEY (recipient, signer, kind, sequence)
);
INSERT INTO rollouts_by (recipient, signer, kind, sequence, envelope, pulled_at) SELECT recipient, '', kind, sequence, envelope, pulled_at FROM rollouts;
DROP TABLE rollouts;
ALTER TABLE rollouts_by RENAME TO rollouts;

CREATE TABLE offers_seen_by (
  recipient TEXT NOT NULL,
  signer TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  PRIMARY KEY (recipient, signer)
);
INSERT INTO offers_seen_by (recipient, signer, sequence) SELECT recipient, '', sequence FROM offers_seen;
DROP TABLE offers_seen;
ALTER TABLE offers_seen_by RENAME TO offers_seen;

-- +goose Down
CREATE TABLE rollouts_before (
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  envelope BYTEA NOT NULL,
  pulled_at BIGINT NOT NULL,
  PRIMARY KEY (recipient, kind, sequence)
);
INSERT INTO rollouts_before (recipient, kind, sequence, envelope, pulled_at) SELECT recipient, kind, sequence, envelope, pulled_at FROM rollouts r
  WHERE NOT EXISTS (SELECT 1 FROM rollouts o WHERE o.recipient = r.recipient AND o.kind = r.kind AND o.sequence = r.sequence AND o.signer > r.signer);
DROP TABLE rollouts;
ALTER TABLE rollouts_before RENAME TO rollouts;
CREATE TABLE offers_seen_before (
  recipient TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL
);
INSERT INTO offers_seen_before (recipient, sequence) SELECT recipient, MIN(sequence) FROM offers_seen GROUP BY recipient;
DROP TABLE offers_seen;
ALTER TABLE offers_seen_before RENAME TO offers_seen;
